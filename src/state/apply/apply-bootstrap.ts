import type { Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { isRoot } from '../../domain/principal';
import { keepStoreKey, storeKeyBytes } from '../tables/store-key';
import type { StoreMeta } from '../tables/store-meta';

/** Gives a new store its secret. A store that has one keeps it, because stored digests were made with it. */
export function applyBootstrap(meta: StoreMeta, storeKey: Uint8Array, isNew: boolean, { by }: Stamp): void {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only the host may give a store its secret.');
  if (storeKey.length !== storeKeyBytes) {
    const message = `expected ${storeKeyBytes} bytes, got ${storeKey.length}.`;
    throw invalidInput([{ path: ['storeKey'], message }], 'storeKey');
  }
  if (isNew) keepStoreKey(meta, storeKey);
}
