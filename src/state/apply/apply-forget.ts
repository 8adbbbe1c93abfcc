import type { Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { assertRevision } from '../../domain/memory';
import { isRoot } from '../../domain/principal';
import { mayKnowOfDamage } from '../queries/damaged-record';
import { damaged, type MemoryRow } from '../tables/memory-row';
import { type ApplyContext, removeVectors, stampChange } from './apply-context';
import { loadForChange } from './apply-update';

/**
 * Forgets memories. Ids that do not exist, or that the actor may not read, are skipped. If one of the others may not be forgotten,
 * none is. A forgotten memory keeps its author, namespace, times, user, session and tags, so that watchers who filter by these
 * learn that it was forgotten.
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
  for (const record of found) forget(context, record, stamp);
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
 * cannot be trusted, so only root may forget it.
 *
 * @throws RECORD_DAMAGED
 */
function repaired(context: ApplyContext, record: MemoryRow, { by, scope }: Stamp): MemoryRow | undefined {
  if (!mayKnowOfDamage(context, record, by, scope)) return undefined;
  const last = context.lastChangeOf(record.row);
  if (!isRoot(by) || last === undefined) throw damaged(record.id);
  context.reportDamagedWords();
  context.words.deleteWaiting(record.row);
  context.writer.deleteAllTags(record.row);
  const { label_set, owner, revision } = last;
  const space = context.interning.currentSpace?.id ?? null;
  return { ...record, label_set, owner, revision, author: last.by, user_id: null, session_id: null, tags: '[]', space };
}

/** Counts a memory as forgotten in the quotas. The counts of a damaged record are unknown, so everything is then counted again. */
function countForgotten(context: ApplyContext, record: MemoryRow): void {
  const usage = context.usage();
  if (usage === undefined) return;
  const revisions = context.rowChecksum.isIntact(record) ? context.revisionBytes(record) : undefined;
  if (revisions === undefined) context.discardUsage();
  else usage.forgotten(record, revisions);
}

function forget(context: ApplyContext, record: MemoryRow, { at, by }: Stamp): void {
  const { writer } = context;
  const tokensBefore = context.analyze(record.text);
  if (context.rowChecksum.isIntact(record)) {
    context.words.delete(record.row, tokensBefore);
    writer.deleteTags(record.row, JSON.parse(record.tags));
  }
  countForgotten(context, record);
  removeVectors(context, record);
  const tombstone = {
    ...record,
    state: 'forgotten' as const,
    text: '',
    metadata: '{}',
    key: null,
    source_ref: null,
    space: null,
    chunks: 0,
    length: 0,
    revision: record.revision + 1,
    updated_at: at,
  };
  const actor = context.interning.internActor(by);
  const change = { type: 'forgotten' as const, at, by: actor, tokensBefore, reindex: true };
  writer.replaceByTombstone(stampChange(context, tombstone, change));
}
