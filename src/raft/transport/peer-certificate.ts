import { constants, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { types } from 'node:util';
import { isUint8Array } from '../../domain/realms';
import type { NodeId } from '../core/node-id';
import type { TransportTls } from './tcp-options';

/**
 * Whether a certificate belongs to a node: its subject alternative names contain `URI:node:ID`, or the host of the address of the node. So
 * an operator can use one certificate for each node, or one for each machine.
 */
export function isCertificateOf(certificate: X509Certificate, node: NodeId, host: string): boolean {
  if (alternativeNames(certificate.subjectAltName ?? '').includes(`URI:node:${node}`)) return true;
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined;
}

/** The options for both sides of a connection. Nothing older than TLS 1.3, and no session that outlives its certificate. */
export function secureOptions({ key, cert, ca }: TransportTls): SecureContextOptions {
  return {
    key: types.isKeyObject(key) ? key.export({ type: 'pkcs8', format: 'pem' }) : bufferOf(key),
    cert: bufferOf(cert),
    ca: (Array.isArray(ca) ? ca : [ca]).map(bufferOf),
    minVersion: 'TLSv1.3',
    // A session that is resumed would not show its certificate again, which may have expired.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Whether two sets of certificates are the same, so that they need not be parsed again. */
export function equalTls(a: TransportTls, b: TransportTls): boolean {
  const isEqual = (x: unknown, y: unknown): boolean => {
    if (x === y) return true;
    if (Array.isArray(x) && Array.isArray(y))
      return x.length === y.length && x.every((each, at) => isEqual(each, y[at]));
    return isUint8Array(x) && isUint8Array(y) && Buffer.compare(x, y) === 0;
  };
  return isEqual(a.key, b.key) && isEqual(a.cert, b.cert) && isEqual(a.ca, b.ca);
}

function bufferOf(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem);
}

/** Splits the subject alternative names as Node writes them: `DNS:a, URI:node:1`. Within a name, Node writes a comma as an escape. */
function alternativeNames(text: string): readonly string[] {
  return text.split(', ');
}
