import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { MemoryHandle } from '../../index';

/** Returns the handle that the bearer of a token acts through; `undefined` or `null` rejects the token. */
export type Authenticate = (token: string) => MaybeHandle | Promise<MaybeHandle>;

type MaybeHandle = MemoryHandle | null | undefined;

/** The fewest characters of a configured token. Random hexadecimal digits of this length hold 64 bits. */
export const minTokenLength = 16;

/** Whether a value can be used as a token: long enough, and only characters that an HTTP header can carry. */
export function isUsableToken(value: unknown): boolean {
  return typeof value === 'string' && value.length >= minTokenLength && /^[\x21-\x7e]+$/.test(value);
}

/** The bearer token in the header of a request (RFC 6750, section 2.1), if there is one. */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** The given function; for a handle, a function that accepts only the configured token. */
export function authenticatorFor(handle: MemoryHandle | Authenticate, token: string | undefined): Authenticate {
  if (typeof handle === 'function') return handle;
  const expected = tokenDigest(token ?? '');
  return (given) => (isSameDigest(tokenDigest(given), expected) ? handle : undefined);
}

/** A hash of a token. All hashes have the same length, so they can be compared; and they can be kept where a token should not be. */
export function tokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether two digests are equal. The time it takes does not depend on their content. */
export function isSameDigest(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b);
}
