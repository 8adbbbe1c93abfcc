import { type MemoryAction, mayChange, mayRead } from '../../access/authorise';
import type { ContentPatch, Stamp } from '../../domain/command';
import { MemoryError } from '../../domain/errors';
import { type Namespace, showNamespace } from '../../domain/namespace';
import { isInScope } from '../../domain/scope';
import { mayHearOf } from '../queries/damaged-record';
import { damaged, type MemoryRow } from '../tables/memory-row';
import { type ApplyContext, memoryLabelsOf, scopedFieldsOfRow } from './apply-context';
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
    throw outsideScope(`Memory ${id}, so changed,`);
  }
  assertRevision(record, ifRevision);
  assertSpace(context, patch.embedded);
  return revise(context, record, {
    columns,
    ...(patch.embedded === undefined ? {} : { embedded: patch.embedded }),
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

/** What would be written outside the scope of its handle. */
export function outsideScope(what: string): MemoryError {
  return new MemoryError(
    'FORBIDDEN',
    `${what} lies outside the scope of this handle: use a handle with a wider scope.`,
  );
}

/** What is said alike of a memory that is not there and of one that may not be read. */
export function noSuchMemory(id: string): MemoryError {
  return new MemoryError('NOT_FOUND', `There is no memory ${JSON.stringify(id)}, or none that may be read here.`);
}

export function forbiddenChange(id: string, action: MemoryAction, namespace: Namespace): MemoryError {
  const own = action === 'share' ? '' : `, or write there for its own author`;
  const message = `Memory ${id} takes the action ${action} in ${showNamespace(namespace)}${own}, and no rule that denies it.`;
  return new MemoryError('FORBIDDEN', message);
}

/** @throws REVISION_CONFLICT where the memory is at another revision than the caller relied on. */
export function assertRevision(
  { id, revision }: Pick<MemoryRow, 'id' | 'revision'>,
  ifRevision: number | undefined,
): void {
  if (ifRevision === undefined || ifRevision === revision) return;
  const message = `Memory ${id} is at revision ${revision}, not ${ifRevision}: read it again and decide anew.`;
  throw new MemoryError('REVISION_CONFLICT', message);
}

function patchColumns(patch: ContentPatch): Partial<MemoryRow> {
  return {
    ...(patch.text === undefined ? {} : { text: patch.text }),
    ...(patch.kind === undefined ? {} : { kind: patch.kind }),
    ...(patch.tags === undefined ? {} : { tags: JSON.stringify(patch.tags) }),
    ...(patch.priority === undefined ? {} : { priority: patch.priority }),
    ...(patch.metadata === undefined ? {} : { metadata: JSON.stringify(patch.metadata) }),
    ...(patch.validFrom === undefined ? {} : { valid_from: patch.validFrom }),
    ...(patch.validTo === undefined ? {} : { valid_to: patch.validTo }),
    ...(patch.expiresAt === undefined ? {} : { expires_at: patch.expiresAt }),
  };
}
