import type { ChunkVectors } from '../../domain/command';
import type { MemoryRow } from '../tables/memory-row';
import { type ApplyContext, insertVectors, removeVectors, stampChange } from './apply-context';

/** A new revision of a memory. */
export interface Revision {
  /** The columns that change. */
  readonly columns: Partial<Omit<MemoryRow, 'row' | 'id' | 'revision' | 'change_seq' | 'checksum'>>;
  /** The vectors for the new text; `null` if it has none. Absent if the vectors stay as they are. */
  readonly embedded?: ChunkVectors | null;
  /** The number of tokens of the new text. Absent if it is to be counted. */
  readonly tokenCount?: number;
  readonly at: number;
  readonly by: number;
}

/** Writes a new revision of a memory, and keeps the earlier revision. */
export function revise(context: ApplyContext, record: MemoryRow, revision: Revision): MemoryRow {
  const { writer } = context;
  const { columns, embedded, tokenCount, at, by } = revision;
  const text = columns.text ?? record.text;
  const textChanged = text !== record.text;
  const vectors =
    embedded === undefined ? { space: record.space, chunks: record.chunks } : replaceVectors(context, record, embedded);
  const tokens = textChanged ? replaceTokens(context, record, text) : undefined;
  const tags = columns.tags ?? record.tags;
  if (tags !== record.tags) replaceTags(context, record, tags);
  const changed = {
    ...record,
    ...columns,
    ...vectors,
    length: tokens === undefined ? record.length : (tokenCount ?? tokens.tokens.length),
    revision: record.revision + 1,
    updated_at: at,
  };
  // Vector indexes contain no labels, so a change of labels does not affect them.
  const stamped = stampChange(context, changed, {
    type: 'revised',
    at,
    by,
    reindex: embedded !== undefined,
    ...tokens,
  });
  writer.insertRevision(record, stamped);
  writer.replaceRecord(stamped, textChanged);
  context.usage()?.written(record, stamped, by);
  context.storedCounts()?.changed(record, stamped);
  return stamped;
}

function replaceVectors(context: ApplyContext, record: MemoryRow, embedded: ChunkVectors | null) {
  removeVectors(context, record);
  return insertVectors(context, record.row, embedded ?? undefined);
}

function replaceTokens(context: ApplyContext, record: MemoryRow, text: string) {
  const tokensBefore = context.analyze(record.text);
  const tokens = context.analyze(text);
  context.words.replace(record.row, tokensBefore, tokens);
  return { tokensBefore, tokens };
}

function replaceTags(context: ApplyContext, record: MemoryRow, tags: string): void {
  context.writer.deleteTags(record.row, JSON.parse(record.tags));
  context.writer.insertTags(record.row, JSON.parse(tags));
}
