import type { Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { assertRevision } from '../../domain/memory';
import { isRoot } from '../../domain/principal';
import { mayKnowOfDamage } from '../queries/damaged-record';
import { damaged, type MemoryRow } from '../tables/memory-row';
import { type ApplyContext, removeVectors, stampChange } from './apply-context';
import { loadForChange } from './apply-update';

/**
 * Forgets memories, all or none of those that are there: ids that are not there, or may not be read, are passed over.
 * What stays of one is who wrote it where and when, about whom, in which session and with which tags, so that who
 * watches a part of the store learns that it went.
 *
 * @returns the ids that were forgotten.
 */
export function applyForget(
  context: ApplyContext,
  ids: readonly string[],
  ifRevision: number | undefined,
  stamp: Stamp,
): string[] {
  const found = ids.flatMap((id) => forgettable(context, id, stamp) ?? []);
  for (const record of found) assertRevision(record, ifRevision);
  for (const record of found) forget(context, record, stamp);
  return found.map(({ id }) => id);
}

function forgettable(context: ApplyContext, id: string, stamp: Stamp): MemoryRow | undefined {
  const record = context.records.unchecked(id);
  if (record !== undefined && !context.rowChecksum.isIntact(record)) return mended(context, record, stamp);
  try {
    return loadForChange(context, record, id, 'forget', stamp);
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * A damaged record in a form in which it can be forgotten: what the feed of changes still tells of it, and nothing else. Whose
 * it is cannot be trusted, so that only root may forget it.
 *
 * @throws RECORD_DAMAGED
 */
function mended(context: ApplyContext, record: MemoryRow, { by, scope }: Stamp): MemoryRow | undefined {
  if (!mayKnowOfDamage(context, record, by, scope)) return undefined;
  const last = context.lastChangeOf(record.row);
  if (!isRoot(by) || last === undefined) throw damaged(record.id);
  context.reportDamagedWords();
  context.writer.deleteAllTags(record.row);
  const { label_set, owner, revision } = last;
  const space = context.interning.currentSpace?.id ?? null;
  return { ...record, label_set, owner, revision, author: last.by, user_id: null, session_id: null, tags: '[]', space };
}

function forget(context: ApplyContext, record: MemoryRow, { at, by }: Stamp): void {
  const { writer } = context;
  const tokensBefore = context.analyze(record.text);
  if (context.rowChecksum.isIntact(record)) {
    writer.deleteTokens(record.row, tokensBefore);
    writer.deleteTags(record.row, JSON.parse(record.tags));
  }
  removeVectors(context, record);
  const { checksum: _, ...before } = record;
  const tombstone = {
    ...before,
    ...{ state: 'forgotten' as const, text: '', metadata: '{}', key: null, source_ref: null },
    ...{ space: null, chunks: 0, length: 0, revision: record.revision + 1, updated_at: at },
  };
  const who = context.interning.internActor(by);
  const change = { type: 'forgotten' as const, at, by: who, tokensBefore, reindex: true };
  writer.replaceByTombstone(stampChange(context, tombstone, change));
}
