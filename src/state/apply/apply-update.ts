import { type MemoryAction, mayChange, mayRead } from '../../access/authorise';
import { forbiddenChange, noSuchMemory, outsideScope } from '../../access/denials';
import type { ContentPatch, Stamp } from '../../domain/command';
import { defined } from '../../domain/defined';
import { assertRevision } from '../../domain/memory';
import { isInScope } from '../../domain/scope';
import { mayHearOf } from '../queries/damaged-record';
import { damaged, type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { assertSpace } from './embed-row';
import { revise } from './revise';

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
  return revise(context, record, {
    columns,
    ...defined({ embedded: patch.embedded }),
    at: stamp.at,
    by: context.interning.internActor(stamp.by),
  });
}

/** The record, though it came unchecked, if the actor may read it (else NOT_FOUND) and do that to it (else FORBIDDEN). */
export function loadForChange(
  context: ApplyContext,
  record: MemoryRow | undefined,
  id: string,
  action: MemoryAction,
  { by, scope }: Stamp,
): MemoryRow {
  if (record !== undefined && !context.rowChecksum.isIntact(record)) {
    throw mayHearOf(context, record, by, scope) ? damaged(id) : noSuchMemory(id);
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
