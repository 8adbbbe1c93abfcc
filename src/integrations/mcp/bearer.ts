import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { MemoryHandle } from '../../index';

/** Says whose a token is: the handle that its bearer acts through, or undefined for a token that is not good. */
export type Authenticate = (token: string) => MemoryHandle | undefined | Promise<MemoryHandle | undefined>;

/** The token that a request brings (RFC 6750, in its header). */
export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** A function that asks the host, or compares with the one token. */
export function authenticatorOf(who: MemoryHandle | Authenticate, token: string | undefined): Authenticate {
  if (typeof who === 'function') return who;
  const expected = digestOf(token ?? '');
  return (given) => (sameDigest(digestOf(given), expected) ? who : undefined);
}

/** Of equal length for every token, so that they can be compared, and kept where a token should not be. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Takes as long whatever they hold. */
export function sameDigest(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b);
}
