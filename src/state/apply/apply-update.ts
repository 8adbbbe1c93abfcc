import { type MemoryAction, mayChange, mayRead } from '../../access/authorise';
import { forbiddenChange, noSuchMemory, outsideScope } from '../../access/denials';
import type { ChunkVectors, ContentPatch, Stamp } from '../../domain/command';
import { defined } from '../../domain/defined';
import { assertRevision } from '../../domain/memory';
import { isInScope } from '../../domain/scope';
import { mayKnowOfDamage } from '../queries/damaged-record';
import { contentBytes } from '../quota-usage';
import { damaged, type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';
import { type ApplyContext, assertSpace, insertVectors, removeVectors, stampChange } from './apply-context';
import { assertWithinQuota, countedLabels } from './apply-quota';

/** Revises a memory that the actor may read and update. */
export function applyUpdate(
  context: ApplyContext,
  id: string,
  patch: ContentPatch,
  ifRevision: number | undefined,
  stamp: Stamp,
): MemoryRow {
  const record = loadForChange(context, context.records.unchecked(id), id, 'update', stamp);
  const columns = patchColumns(patch);
  if (!isInScope(stamp.scope, scopedFieldsOfRow(context, { ...record, ...columns }))) {
    throw outsideScope(`Memory ${id} with this change`);
  }
  assertRevision(record, ifRevision);
  assertSpace(context, patch.embedded);
  const changed = { ...record, ...columns };
  assertWithinQuota(context, stamp, {
    author: context.interning.actor(record.author),
    before: countedLabels(context, record),
    after: countedLabels(context, changed),
    bytes: contentBytes(changed),
  });
  return revise(context, record, {
    columns,
    ...defined({ embedded: patch.embedded, tokenCount: patch.tokenCount }),
    at: stamp.at,
    by: context.interning.internActor(stamp.by),
  });
}

/**
 * Checks that a loaded record is intact and that the actor may change it.
 *
 * @throws NOT_FOUND if the actor may not read it, FORBIDDEN if the actor may not change it, RECORD_DAMAGED
 */
export function loadForChange(
  context: ApplyContext,
  record: MemoryRow | undefined,
  id: string,
  action: MemoryAction,
  { by, scope }: Stamp,
): MemoryRow {
  if (record !== undefined && !context.rowChecksum.isIntact(record)) {
    throw mayKnowOfDamage(context, record, by, scope) ? damaged(id) : noSuchMemory(id);
  }
  const labels = record && memoryLabelsOf(context, record);
  context.touch(id, labels?.namespace);
  if (record === undefined || labels === undefined || !mayRead(context.policy, by, labels)) {
    throw noSuchMemory(id);
  }
  if (!isInScope(scope, scopedFieldsOfRow(context, record))) throw noSuchMemory(id);
  if (!mayChange(context.policy, by, action, labels)) {
    throw forbiddenChange(id, action, labels.namespace);
  }
  return record;
}

function patchColumns({ text, kind, tags, priority, metadata, ...times }: ContentPatch): Partial<MemoryRow> {
  return defined({
    text,
    kind,
    tags: tags && JSON.stringify(tags),
    priority,
    metadata: metadata && JSON.stringify(metadata),
    valid_from: times.validFrom,
    valid_to: times.validTo,
    expires_at: times.expiresAt,
  });
}

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
