import type { Embedded } from '../domain/command';
import { MemoryError } from '../domain/errors';
import { type ApplyContext, stampChange } from './apply-context';
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
  if (record.space !== null) context.writer.deleteVectors(record.row, record.space);
  return insertVectors(context, record.row, embedded ?? undefined);
}

/** Writes a memory's vectors, in the store's space. The first vector of all decides which space that is. */
export function insertVectors(context: ApplyContext, row: number, embedded: Embedded | undefined) {
  if (embedded === undefined) return { space: null, parts: 0 };
  const { interning, writer } = context;
  const space = interning.currentSpace?.id ?? interning.internSpace(embedded.space);
  writer.insertVectors(row, space, embedded);
  return { space, parts: embedded.vectors.length };
}

/** @throws EMBEDDER_MISMATCH where the vectors are of another space than the store's. */
export function assertSpace({ interning }: ApplyContext, embedded: Embedded | null | undefined): void {
  const current = interning.currentSpace?.name;
  if (embedded === undefined || embedded === null || current === undefined) return;
  const { model, dimensions } = embedded.space;
  if (model === current.model && dimensions === current.dimensions) return;
  const message = `The vector comes from ${model} (${dimensions} dimensions), the store's vectors from ${current.model} (${current.dimensions}): vectors compare only inside one space.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
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
