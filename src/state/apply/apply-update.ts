import { type MemoryAction, mayChange, mayRead } from '../../access/authorise';
import { forbiddenChange, noSuchMemory, outsideScope } from '../../access/denials';
import type { ContentPatch, Stamp } from '../../domain/command';
import { defined } from '../../domain/defined';
import { assertRevision } from '../../domain/memory';
import { isInScope } from '../../domain/scope';
import { mayKnowOfDamage } from '../queries/damaged-record';
import { contentBytes } from '../quota-usage';
import { damaged, type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';
import { type ApplyContext, assertSpace } from './apply-context';
import { assertWithinQuota, countedLabels } from './apply-quota';
import { endConsolidation, isConsolidated } from './end-consolidation';
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
  const changed = { ...record, ...columns };
  assertWithinQuota(context, stamp, {
    author: context.interning.actor(record.author),
    before: countedLabels(context, record),
    after: countedLabels(context, changed),
    bytes: contentBytes(changed),
  });
  const isSource = isConsolidated(record);
  if (isSource) endConsolidation(context, { changed: [record] }, stamp, new Set([record.row]));
  return revise(context, record, {
    columns: isSource ? { ...columns, state: 'active' } : columns,
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

function patchColumns({ text, kind, tags, priority, pinned, metadata, ...times }: ContentPatch): Partial<MemoryRow> {
  return defined({
    text,
    kind,
    tags: tags && JSON.stringify(tags),
    priority,
    pinned: pinned === undefined ? undefined : pinned ? (1 as const) : null,
    metadata: metadata && JSON.stringify(metadata),
    valid_from: times.validFrom,
    valid_to: times.validTo,
    expires_at: times.expiresAt,
  });
}
