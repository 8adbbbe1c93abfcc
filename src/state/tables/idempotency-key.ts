import { createHmac } from 'node:crypto';

/**
 * What a store keeps of an idempotency key. A key may say something about the content, and unlike the content it is kept after the
 * memory was forgotten, so that a repeated call does not bring the memory back.
 *
 * @param storeKey The secret of the store.
 */
export function hashIdempotencyKey(storeKey: Uint8Array, key: string): string {
  // The prefix keeps it apart from the digests of contents, which are JSON.
  return createHmac('sha256', storeKey).update('idempotency key ').update(key).digest('base64url');
}
