import type { ChunkVectors } from '../../domain/command';
import type { MemoryRow } from '../tables/memory-row';
import { type ApplyContext, stampChange } from './apply-context';
import { insertVectors, removeVectors } from './embed-row';

export interface Revision {
  /** The record's columns that change. */
  readonly columns: Partial<Omit<MemoryRow, 'row' | 'id' | 'revision' | 'change_seq' | 'checksum'>>;
  /** The vectors of the new text. `null`: it has none. Absent: the vectors stay. */
  readonly embedded?: ChunkVectors | null;
  readonly at: number;
  readonly by: number;
}

/** Makes a new revision of a memory, and keeps the one before. */
export function revise(context: ApplyContext, record: MemoryRow, revision: Revision): MemoryRow {
  const { writer } = context;
  const { columns, embedded, at, by } = revision;
  const { checksum: _, ...before } = record;
  const text = columns.text ?? record.text;
  const textChanged = text !== record.text;
  const vectors =
    embedded === undefined ? { space: record.space, chunks: record.chunks } : replaceVectors(context, record, embedded);
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

function replaceVectors(context: ApplyContext, record: MemoryRow, embedded: ChunkVectors | null) {
  removeVectors(context, record);
  return insertVectors(context, record.row, embedded ?? undefined);
}

function replaceTokens(context: ApplyContext, record: MemoryRow, text: string) {
  const tokensBefore = context.analyze(record.text);
  const tokens = context.analyze(text);
  context.writer.deleteTokens(record.row, tokensBefore);
  context.writer.insertTokens(record.row, tokens);
  return { tokensBefore, tokens };
}

function replaceTags(context: ApplyContext, record: MemoryRow, tags: string): void {
  context.writer.deleteTags(record.row, JSON.parse(record.tags));
  context.writer.insertTags(record.row, JSON.parse(tags));
}
