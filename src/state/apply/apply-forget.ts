import type { Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { assertRevision } from '../../domain/memory';
import { isRoot } from '../../domain/principal';
import { mayKnowOfDamage } from '../queries/damaged-record';
import { damaged, type MemoryRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { loadForChange } from './apply-update';
import { endConsolidationsOf } from './end-consolidation';
import { forgetRecord } from './forget-record';

/**
 * Forgets memories. Ids that do not exist, or that the actor may not read, are skipped. If one of the others may not be forgotten,
 * none is. A forgotten memory keeps its author, namespace, times, user, session and tags, so that watchers who filter by these
 * learn that it was forgotten. If a legal hold concerns it, its revisions are kept where only the host can read them.
 *
 * @returns the ids that were forgotten
 */
export function applyForget(
  context: ApplyContext,
  ids: readonly string[],
  ifRevision: number | undefined,
  stamp: Stamp,
): string[] {
  // An id that stands twice would be forgotten twice, and the second change would halt every peer that applies it.
  const found = [...new Set(ids)].flatMap((id) => forgetTarget(context, id, stamp) ?? []);
  for (const record of found) assertRevision(record, ifRevision);
  endConsolidationsOf(context, found, stamp);
  for (const record of found) forgetRecord(context, record, stamp);
  return found.map(({ id }) => id);
}

function forgetTarget(context: ApplyContext, id: string, stamp: Stamp): MemoryRow | undefined {
  const record = context.records.unchecked(id);
  if (record !== undefined && !context.rowChecksum.isIntact(record)) return repaired(context, record, stamp);
  try {
    return loadForChange(context, record, id, 'forget', stamp);
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Repairs a damaged record so far that it can be forgotten: its labels are taken from the change feed. The author in a damaged record
 * cannot be trusted, so only root may forget or erase it.
 *
 * @throws RECORD_DAMAGED
 */
export function repaired(context: ApplyContext, record: MemoryRow, { by, scope }: Stamp): MemoryRow | undefined {
  if (!mayKnowOfDamage(context, record, by, scope)) return undefined;
  const last = context.lastChangeOf(record.row);
  if (!isRoot(by) || last === undefined) throw damaged(record.id);
  // Whether a hold concerns it cannot be known.
  if (context.holds.inForce.length > 0) throw maybeHeld(record.id);
  context.reportDamagedWords();
  context.words.deleteWaiting(record.row);
  context.writer.deleteAllTags(record.row);
  const { label_set, owner, revision } = last;
  const space = context.interning.currentSpace?.id ?? null;
  return { ...record, label_set, owner, revision, author: last.by, user_id: null, session_id: null, tags: '[]', space };
}

function maybeHeld(id: string): MemoryError {
  const message = `Memory ${id} is damaged, and cannot be forgotten while a legal hold is in force: the hold may concern it. Restore it from a backup, or end the hold first.`;
  return new MemoryError('RECORD_DAMAGED', message);
}
