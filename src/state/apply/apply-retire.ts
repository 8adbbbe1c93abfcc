import type { Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { isRoot, root } from '../../domain/principal';
import type { MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { endConsolidationsOf } from './end-consolidation';
import { forgetRecord } from './forget-record';

/**
 * Forgets those of some memories that a retention has reached. Whatever has changed since they were found counts: the retention may have
 * ended, a memory may be pinned or in another namespace, and others may have been forgotten. Damaged records are left: their labels and times are unknown.
 *
 * @returns the ids that were forgotten
 */
export function applyRetire(context: ApplyContext, id: string, ids: readonly string[], stamp: Stamp): string[] {
  if (!isRoot(stamp.by)) throw new MemoryError('FORBIDDEN', 'Only the host may forget what a retention has reached.');
  const records = [...new Set(ids)].flatMap((each) => {
    const record = context.records.unchecked(each);
    return record === undefined || !context.rowChecksum.isIntact(record) ? [] : [record];
  });
  const old = records.filter((record) => {
    const end = context.retention.endOf(record);
    return end?.id === id && end.at <= stamp.at;
  });
  const found = [...old, ...surplus(context, id, records, old)];
  forgetRetired(context, found, stamp);
  return found.map((record) => record.id);
}

/**
 * The oldest of some memories, as many as a retention that limits their number does not keep. The sweep has chosen them among all; here only the
 * number counts, so that fewer go if others were forgotten meanwhile.
 */
function surplus(
  context: ApplyContext,
  id: string,
  records: readonly MemoryRow[],
  old: readonly MemoryRow[],
): MemoryRow[] {
  const limit = context.retention.numberLimit(id);
  if (limit === undefined) return [];
  const { isWithin, kind, maxMemories } = limit;
  const isLimited = (each: MemoryRow) =>
    each.pinned === null && isWithin(each.label_set) && (kind === undefined || kind === each.kind);
  const stored = context.countStored().within(isWithin, kind) - old.length;
  const others = records.filter((each) => isLimited(each) && !old.includes(each));
  others.sort((a, b) => a.created_at - b.created_at || a.row - b.row);
  return others.slice(0, Math.max(0, stored - maxMemories));
}

/** Forgets memories whose time is over. The host does it, whoever has sent the command. */
export function forgetRetired(context: ApplyContext, found: readonly MemoryRow[], { at, scope, seed }: Stamp): void {
  const stamp = { at, by: root, scope, seed };
  endConsolidationsOf(context, found, stamp);
  for (const record of found) forgetRecord(context, record, stamp);
}
