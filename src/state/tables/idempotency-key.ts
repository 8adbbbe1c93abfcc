import { createHmac } from 'node:crypto';

/**
 * Computes the hash that a store keeps for an idempotency key. The key itself is not kept, because it may reveal something about the
 * content. The hash is kept even after the memory was forgotten, so that a repeated call does not bring the memory back.
 *
 * @param storeKey The store's secret.
 */
export function hashIdempotencyKey(storeKey: Uint8Array, key: string): string {
  // With the prefix, the hash of a key can never equal the digest of a content, which is JSON.
  return createHmac('sha256', storeKey).update('idempotency key ').update(key).digest('base64url');
}
