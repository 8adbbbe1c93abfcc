import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { MemoryHandle } from '../../index';

/** Returns the handle for a client that sends this token. To reject the token, returns `undefined` or `null`. */
export type Authenticate = (token: string) => MaybeHandle | Promise<MaybeHandle>;

type MaybeHandle = MemoryHandle | null | undefined;

/** The minimum length of a configured token. This many random hexadecimal digits contain 64 bits. */
export const minTokenLength = 16;

/** Checks whether a value can be used as a token. It must be long enough and contain only characters that an HTTP header allows. */
export function isUsableToken(value: unknown): boolean {
  return typeof value === 'string' && value.length >= minTokenLength && /^[\x21-\x7e]+$/.test(value);
}

/** Reads the bearer token from the header of a request (RFC 6750, section 2.1). Undefined if there is none. */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Returns the given function. For a handle, or the promise of one, makes a function that accepts only the configured token. */
export function authenticatorFor(
  handle: MemoryHandle | Promise<MemoryHandle> | Authenticate,
  token: string | undefined,
): Authenticate {
  if (typeof handle === 'function') return handle;
  const expected = tokenDigest(token ?? '');
  return (given) => (isSameDigest(tokenDigest(given), expected) ? handle : undefined);
}

/** Computes the hash of a token. Hashes have equal lengths, so they can be compared safely. They can be kept where tokens should not. */
export function tokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Checks whether two digests are equal. The time for the comparison does not depend on their content. */
export function isSameDigest(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b);
}
