import type { Stamp } from '../domain/command';
import { MemoryError } from '../domain/errors';
import { type ApplyContext, stampChange, tagsOf } from './apply-context';
import { assertRevision, changeable } from './apply-update';
import { isIntact, type Record } from './record';

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

function forgettable(context: ApplyContext, id: string, stamp: Stamp): Record | undefined {
  try {
    // A damaged record must not be served, yet it can be forgotten.
    return changeable(context, context.records.unchecked(id), id, 'forget', stamp);
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function forget(context: ApplyContext, record: Record, { at, by }: Stamp): void {
  const { writer } = context;
  const tokensBefore = context.analyze(record.text);
  if (isIntact(record, context.checksum)) writer.deleteTokens(record.row, tokensBefore);
  else context.reportDamagedWords();
  if (record.space !== null) writer.deleteVectors(record.row, record.space);
  writer.deleteTags(record.row, tagsOf(record));
  const { checksum: _, ...before } = record;
  const tombstone = {
    ...before,
    ...{ state: 'forgotten' as const, text: '', metadata: '{}', key: null, source_ref: null },
    ...{ space: null, parts: 0, length: 0, revision: record.revision + 1, updated_at: at },
  };
  const details = {
    type: 'forgotten' as const,
    at,
    by: context.interning.internActor(by),
    tokensBefore,
    reindex: true,
  };
  writer.replaceByTombstone(stampChange(context, tombstone, details));
}
