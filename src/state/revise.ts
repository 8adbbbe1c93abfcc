import type { Embedded } from '../domain/command';
import { type ApplyContext, stampChange } from './apply-context';
import { insertVectors, removeVectors } from './embed-row';
import type { Record } from './record';

export interface Revision {
  /** The record's columns that change. */
  readonly columns: Partial<Omit<Record, 'row' | 'id' | 'revision' | 'entry' | 'checksum'>>;
  /** The vectors of the new text. `null`: it has none. Absent: the vectors stay. */
  readonly embedded?: Embedded | null;
  readonly at: number;
  readonly by: number;
}

/** Makes a new revision of a memory, and keeps the one before. */
export function revise(context: ApplyContext, record: Record, revision: Revision): Record {
  const { writer } = context;
  const { columns, embedded, at, by } = revision;
  const { checksum: _, ...before } = record;
  const text = columns.text ?? record.text;
  const textChanged = text !== record.text;
  const vectors =
    embedded === undefined ? { space: record.space, parts: record.parts } : replaceVectors(context, record, embedded);
  const tokens = textChanged ? replaceTokens(context, record, text) : undefined;
  const tags = columns.tags ?? record.tags;
  if (tags !== record.tags) replaceTags(context, record, tags);
  const changed = {
    ...before,
    ...columns,
    ...vectors,
    length: tokens === undefined ? record.length : tokens.tokens.length,
    revision: record.revision + 1,
    updated_at: at,
  };
  writer.insertRevision(record);
  // Labels are in no index: what was shared anew needs no vector anew.
  const stamped = stampChange(context, changed, {
    type: 'revised',
    at,
    by,
    reindex: embedded !== undefined,
    ...tokens,
  });
  writer.replaceRecord(stamped, textChanged);
  return stamped;
}

function replaceVectors(context: ApplyContext, record: Record, embedded: Embedded | null) {
  removeVectors(context, record);
  return insertVectors(context, record.row, embedded ?? undefined);
}

function replaceTokens(context: ApplyContext, record: Record, text: string) {
  const tokensBefore = context.analyze(record.text);
  const tokens = context.analyze(text);
  context.writer.deleteTokens(record.row, tokensBefore);
  context.writer.insertTokens(record.row, tokens);
  return { tokensBefore, tokens };
}

function replaceTags(context: ApplyContext, record: Record, tags: string): void {
  context.writer.deleteTags(record.row, JSON.parse(record.tags));
  context.writer.insertTags(record.row, JSON.parse(tags));
}
