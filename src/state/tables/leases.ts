import { MemoryError } from '../../domain/errors';
import type { Lease } from '../../domain/lease';
import type { StoreMeta } from './store-meta';

const form = /^(\d+) (\d+) (.*)$/s;
const keyOf = (chore: string) => `lease ${chore}`;

/**
 * The lease of a chore. Undefined if it was never granted.
 *
 * @throws RECORD_DAMAGED
 */
export function leaseOf(meta: Pick<StoreMeta, 'get'>, chore: string): Lease | undefined {
  const stored = meta.get(keyOf(chore));
  if (stored === undefined) return undefined;
  const [grant, request, holder] = typeof stored === 'string' ? (stored.match(form)?.slice(1) ?? []) : [];
  if (holder !== undefined) return { holder, request: Number(request), grant: Number(grant) };
  const message = 'The lease of a chore in the database is damaged. Restore the folder from a backup.';
  throw new MemoryError('RECORD_DAMAGED', message);
}

/** Keeps a lease that was granted. Only `apply` calls this. */
export function keepLease(meta: Pick<StoreMeta, 'put'>, chore: string, { holder, request, grant }: Lease): void {
  meta.put(keyOf(chore), `${grant} ${request} ${holder}`);
}
