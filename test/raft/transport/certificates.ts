import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate and its key, in PEM format. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** What a certificate says. */
export interface CertificateContent {
  /** Subject alternative names: `node:1` is a URI, `127.0.0.1` an IP address, and `localhost` a DNS name. */
  readonly names?: readonly string[];
  /** How long it is valid from now, in milliseconds. Negative: it has expired. Default: an hour. */
  readonly validMs?: number;
}

const hour = 3_600_000;

/**
 * An authority that issues certificates for tests, made anew for each run, so that none expires. Certificates are written here in DER
 * (X.690, RFC 5280): Node can read them and cannot make them, and a package for it would bring a dozen others.
 */
export class TestAuthority {
  readonly cert: string;
  readonly #name = `test authority ${randomBytes(4).toString('hex')}`;
  readonly #privateKey: KeyObject;

  constructor() {
    const { privateKey, publicKey } = keyPair();
    this.#privateKey = privateKey;
    this.cert = this.#issue(this.#name, publicKey, [isAuthority], hour);
  }

  issue({ names = [], validMs = hour }: CertificateContent): Certificate {
    const { privateKey, publicKey } = keyPair();
    const extensions = names.length === 0 ? [isForBothSides] : [isForBothSides, alternativeNames(names)];
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    return { key, cert: this.#issue('node', publicKey, extensions, validMs) };
  }

  #issue(subject: string, publicKey: KeyObject, extensions: readonly Buffer[], validMs: number): string {
    const now = Date.now();
    const content = sequence(
      tagged(0xa0, integer(Buffer.of(2))),
      // Positive, and so short that it is.
      integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
      ecdsaWithSha256,
      nameOf(this.#name),
      sequence(timeOf(now - 2 * hour), timeOf(now + validMs)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', content, this.#privateKey);
    const der = sequence(content, ecdsaWithSha256, bitString(signature));
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const lengthBytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value);
}

function bitString(value: Buffer): Buffer {
  return tagged(0x03, Buffer.of(0), value);
}

function identifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const base128 = (value: number): number[] =>
    value < 128 ? [value] : [...base128(value >> 7).map((byte) => byte | 128), value & 127];
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function nameOf(text: string): Buffer {
  return sequence(tagged(0x31, sequence(identifier('2.5.4.3'), tagged(0x0c, Buffer.from(text)))));
}

function timeOf(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(identifier(id), tagged(0x04, value));
}

function alternativeNames(names: readonly string[]): Buffer {
  const encoded = names.map((name) => {
    if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split('.').map(Number)));
    return tagged(name.includes(':') ? 0x86 : 0x82, Buffer.from(name));
  });
  return extension('2.5.29.17', sequence(...encoded));
}

const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'));
const isAuthority = extension('2.5.29.19', sequence(tagged(0x01, Buffer.of(255))));
const isForBothSides = extension(
  '2.5.29.37',
  sequence(identifier('1.3.6.1.5.5.7.3.1'), identifier('1.3.6.1.5.5.7.3.2')),
);
