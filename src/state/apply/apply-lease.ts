import type { ChangeOf, Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import type { Lease } from '../../domain/lease';
import { isRoot } from '../../domain/principal';
import { keepLease, leaseOf } from '../tables/leases';
import type { StoreMeta } from '../tables/store-meta';

/** Grants a lease, or renews it. Returns the lease that is in force then, which may be that of another holder. */
export function applyLease(meta: StoreMeta, { chore, holder, request, over }: ChangeOf<'lease'>, { by }: Stamp): Lease {
  if (!isRoot(by)) throw new MemoryError('FORBIDDEN', 'Only the host may hold the lease of a chore.');
  const current = leaseOf(meta, chore);
  const isFree = current === undefined || current.holder === holder || current.grant === over;
  if (!isFree) return current;
  const granted = { holder, request, grant: (current?.grant ?? 0) + 1 };
  keepLease(meta, chore, granted);
  return granted;
}
