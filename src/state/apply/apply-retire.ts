import type { Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { isRoot, root } from '../../domain/principal';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { endConsolidationsOf } from './end-consolidation';
import { forgetRecord } from './forget-record';

/**
 * Forgets those of some memories that a retention has reached. Whatever has changed since they were found counts: the retention may have
 * ended, and a memory may be pinned or in another namespace. Damaged records are left: their labels and times are unknown.
 *
 * @returns the ids that were forgotten
 */
export function applyRetire(context: ApplyContext, id: string, ids: readonly string[], stamp: Stamp): string[] {
  if (!isRoot(stamp.by)) throw new MemoryError('FORBIDDEN', 'Only the host may forget what a retention has reached.');
  const found = [...new Set(ids)].flatMap((each) => {
    const record = context.records.unchecked(each);
    if (record === undefined || !context.rowChecksum.isIntact(record)) return [];
    const end = context.retention.endOf(record);
    return end?.id === id && end.at <= stamp.at ? [record] : [];
  });
  forgetRetired(context, found, stamp);
  return found.map((record) => record.id);
}

/** Forgets memories whose time is over. The host does it, whoever has sent the command. */
export function forgetRetired(context: ApplyContext, found: readonly MemoryRow[], { at, scope, seed }: Stamp): void {
  const stamp = { at, by: root, scope, seed };
  endConsolidationsOf(context, found, stamp);
  for (const record of found) forgetRecord(context, record, stamp);
}
