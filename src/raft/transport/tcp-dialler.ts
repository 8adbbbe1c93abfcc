import { createConnection, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, TLSSocket } from 'node:tls';
import { addressParts, isLoopback } from '../../domain/node-address';
import type { Schedule } from '../../environment/timers';
import type { NodeId } from '../core/node-id';
import {
  dialHandshake,
  type Greeting,
  type HandshakeTerms,
  type Introduction,
  nonceBytes,
  type Purpose,
  RefusedError,
  sendRefusal,
} from './handshake';
import { isCertificateOf, secureOptions } from './peer-certificate';
import type { TransportLimits, TransportTls } from './tcp-options';
import { Wire } from './wire';
import { WireError } from './wire-frames';

/** What both directions of connecting have in common. */
export interface ConnectionTerms {
  readonly tls: (() => TransportTls) | undefined;
  readonly secret: string | undefined;
  readonly limits: TransportLimits;
  readonly schedule: Schedule;
  randomBytes(length: number): Uint8Array;
  /** What this node says about itself. */
  greeting(): Greeting;
}

/** A connection after the handshake. */
export interface Connection {
  readonly wire: Wire;
  readonly peer: Greeting;
}

/** Whom to dial. */
export interface DialTarget {
  readonly address: string;
  /** The node that must answer. Undefined if only the address is known. */
  readonly node: NodeId | undefined;
  readonly purpose: Purpose;
  /** Throws RefusedError if this side refuses the other one. */
  check(peer: Greeting): void;
  /** Is given the connection before the handshake, so that it can be ended meanwhile. */
  onWire?(wire: Wire): void;
}

/**
 * Connects to a node, and proves both sides to each other.
 *
 * @throws RefusedError, or WireError if the node cannot be reached
 */
export async function dialNode(target: DialTarget, terms: ConnectionTerms): Promise<Connection> {
  const { limits, schedule } = terms;
  const host = hostOf(target.address, terms.tls !== undefined);
  const socket = openSocket(target.address, terms.tls);
  const wire = new Wire(socket);
  target.onWire?.(wire);
  const cancel = schedule(limits.helloMs, () => wire.destroy());
  try {
    await connected(socket);
    if (terms.tls === undefined && !isLoopback(addressWithoutPrefix(wire.remoteAddress)))
      throw new WireError('the address leaves this machine, which needs TLS');
    const peer = await dialHandshake(wire, introductionOf(target, terms), handshakeTerms(terms));
    try {
      checkPeer(socket, peer, host, target);
    } catch (error) {
      if (error instanceof RefusedError) sendRefusal(wire, error.code);
      throw error;
    }
    wire.setProved();
    wire.keepAlive(limits.pingMs, limits.silentMs, schedule);
    return { wire, peer };
  } catch (error) {
    wire.end(limits.pingMs, schedule);
    throw error;
  } finally {
    cancel();
  }
}

/** What one side needs for the handshake. */
export function handshakeTerms({ tls, secret, randomBytes, greeting }: ConnectionTerms): HandshakeTerms {
  const { address } = greeting();
  return { secret: tls === undefined ? secret : undefined, nonce: randomBytes(nonceBytes), address };
}

function introductionOf({ address, node, purpose }: DialTarget, terms: ConnectionTerms): Introduction {
  const known = { greeting: terms.greeting(), purpose, dialled: address };
  return node === undefined ? known : { ...known, expected: node };
}

/** An IPv4 address as an IPv6 socket shows it, without the prefix. */
export function addressWithoutPrefix(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

function hostOf(address: string, hasTls: boolean): string {
  const host = addressParts(address)?.host;
  if (host === undefined) throw new WireError(`${address} is not an address`);
  if (!hasTls && !isLoopback(host)) throw new WireError('the address leaves this machine, which needs TLS');
  return host;
}

function openSocket(address: string, tls: (() => TransportTls) | undefined): Socket {
  const { host, port } = addressParts(address) as { readonly host: string; readonly port: number };
  if (tls === undefined) return createConnection({ host, port });
  return connect({
    host,
    port,
    ...ownOptions(tls),
    rejectUnauthorized: true,
    // A server name cannot be an IP address (RFC 6066, 3).
    servername: isIP(host) === 0 ? host : '',
    // The names are checked after the handshake, when the id of the node is known.
    checkServerIdentity: () => undefined,
  });
}

function ownOptions(tls: () => TransportTls): ConnectionOptions {
  try {
    const options = secureOptions(tls());
    return { secureContext: createSecureContext(options), minVersion: 'TLSv1.3' };
  } catch {
    throw new RefusedError('UNAUTHENTICATED', undefined, 'the own certificates cannot be read');
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', resolve);
    socket.once('error', (error: NodeJS.ErrnoException) => reject(connectError(error)));
    socket.once('close', () => reject(new WireError('the connection was closed')));
  });
}

/** OpenSSL's reasons why a certificate or a handshake is not accepted, as opposed to errors of the network. */
const tlsCode = /^(ERR_SSL|ERR_TLS|CERT_|EPROTO$|UNABLE_|DEPTH_|SELF_SIGNED|INVALID_|HOSTNAME|PATH_|CRL_)/;

function connectError(error: NodeJS.ErrnoException): Error {
  const code = error.code ?? '';
  return tlsCode.test(code)
    ? new RefusedError('UNAUTHENTICATED', undefined, code)
    : new WireError(code, { cause: error });
}

function checkPeer(socket: Socket, peer: Greeting, host: string, target: DialTarget): void {
  const { node } = peer.identity;
  if (target.node !== undefined && node !== target.node) throw new RefusedError('WRONG_NODE', peer);
  if (socket instanceof TLSSocket) {
    const certificate = socket.getPeerX509Certificate();
    if (!socket.authorized || certificate === undefined || !isCertificateOf(certificate, node, host))
      throw new RefusedError('UNAUTHENTICATED', undefined, `the certificate names neither ${host} nor node:${node}`);
  }
  target.check(peer);
}
