import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { isUint8Array } from '../../domain/realms';
import type { StoreMeta } from './store-meta';

/** The number of bytes in the secret of a store. */
export const storeKeyBytes = 32;
const metaKey = 'store_key';

/**
 * Reads the secret of a store: the key for signatures of cursors and for digests of idempotent writes. Undefined if the store is new.
 *
 * @throws RECORD_DAMAGED
 */
export function storeKeyOf({ meta, database }: { meta: StoreMeta; database: Database }): Uint8Array | undefined {
  const kept = meta.get(metaKey);
  if (kept === undefined || (isUint8Array(kept) && kept.length === storeKeyBytes)) return kept;
  const message = `The secret of the store in ${database.name} is damaged. Restore the folder from a backup.`;
  throw new MemoryError('RECORD_DAMAGED', message);
}

/** Keeps the secret of a new store. Only `apply` calls this. */
export function keepStoreKey(meta: StoreMeta, storeKey: Uint8Array): void {
  meta.put(metaKey, Buffer.from(storeKey));
}
