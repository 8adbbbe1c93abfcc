import { MemoryError } from '../../domain/errors';
import type { StoreMeta } from './store-meta';

const metaKey = 'access_version';

/**
 * The version of the declarations of `open` that are in force. Undefined if no `open` has given one.
 *
 * @throws RECORD_DAMAGED. Otherwise damage would let older rules come into force.
 */
export function accessVersionOf(meta: Pick<StoreMeta, 'get'>): number | undefined {
  const version = meta.get(metaKey);
  if (version === undefined || (typeof version === 'number' && Number.isSafeInteger(version) && version > 0))
    return version;
  const message = 'The version of the access rules in the database is damaged. Restore the folder from a backup.';
  throw new MemoryError('RECORD_DAMAGED', message);
}

/** Keeps the version of declarations that come into force. Only `apply` calls this. */
export function keepAccessVersion(meta: Pick<StoreMeta, 'put'>, version: number): void {
  meta.put(metaKey, version);
}
