import { type MemoryAction, mayChange, mayRead, mayReadState } from '../../access/authorise';
import { forbiddenByTrust, forbiddenChange, noSuchMemory, outsideScope } from '../../access/denials';
import { isTrustedEnough, mayChangeTrusted, type TrustView } from '../../access/trust-floor';
import type { ContentPatch, Stamp } from '../../domain/command';
import { defined } from '../../domain/defined';
import { assertRevision, type SourceChannel } from '../../domain/memory';
import type { Actor } from '../../domain/principal';
import { isInScope } from '../../domain/scope';
import { type TrustLevel, trustLevelOf } from '../../domain/trust';
import { mayKnowOfDamage } from '../queries/damaged-record';
import { contentBytes } from '../quota-usage';
import { damaged, type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';
import { type ApplyContext, assertSpace } from './apply-context';
import { assertWithinQuota, countedLabels } from './apply-quota';
import { endConsolidation, isConsolidated } from './end-consolidation';
import { revise } from './revise';
import { lower, storedTrust } from './trust';

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
  const by = context.interning.internActor(stamp.by);
  keepContributor(context, record, by);
  context.endorsements.deleteOfRow(record.row);
  const trust = lower(changedTrust(context, record, record, stamp.by), trustLevelOf(patch.maxTrust ?? 'verified'));
  return revise(context, record, {
    columns: isSource ? { ...columns, trust, state: 'active' } : { ...columns, trust },
    ...defined({ embedded: patch.embedded, tokenCount: patch.tokenCount }),
    at: stamp.at,
    by,
  });
}

/**
 * Checks that a loaded record is intact, that the actor may change it, and that it is not more trusted than the actor.
 *
 * @throws NOT_FOUND if the actor may not read it, FORBIDDEN if the actor may not change it, RECORD_DAMAGED
 */
export function loadForChange(
  context: ApplyContext,
  record: MemoryRow | undefined,
  id: string,
  action: MemoryAction,
  stamp: Stamp,
): MemoryRow {
  const loaded = loadPermitted(context, record, id, action, stamp);
  if (isMoreTrusted(context, loaded, stamp.by)) {
    throw forbiddenByTrust(id, action, context.interning.labelSet(loaded.label_set).namespace);
  }
  return loaded;
}

/** Checks whether a memory is more trusted than an actor that wants to change it. */
export function isMoreTrusted(context: ApplyContext, record: MemoryRow, actor: Actor): boolean {
  const labels = memoryLabelsOf(context, record);
  return !mayChangeTrusted(context.policy, actor, { ...labels, trust: context.trustOf(record) });
}

/**
 * Checks that a loaded record is intact and that the rules allow the actor to change it.
 *
 * @throws NOT_FOUND if the actor may not read it, FORBIDDEN if the actor may not change it, RECORD_DAMAGED
 */
export function loadPermitted(
  context: ApplyContext,
  record: MemoryRow | undefined,
  id: string,
  action: MemoryAction,
  stamp: Stamp,
): MemoryRow {
  const readable = loadVisible(context, record, id, stamp);
  const { by } = stamp;
  // It may still be forgotten, because the retention that has reached it may end before the store forgets it.
  if (action !== 'forget') assertKept(context, readable, stamp);
  const labels = memoryLabelsOf(context, readable);
  if (!mayChange(context.policy, by, action, labels)) {
    throw forbiddenChange(id, action, labels.namespace);
  }
  return readable;
}

/**
 * Checks that a loaded record is intact and that the actor may know of it, so that it can be changed. It is named in the audit in any case.
 *
 * @throws NOT_FOUND if the actor may not read it, RECORD_DAMAGED
 */
export function loadVisible(context: ApplyContext, record: MemoryRow | undefined, id: string, stamp: Stamp): MemoryRow {
  assertIntact(context, record, id, stamp);
  context.touch(id, record && context.interning.labelSet(record.label_set).namespace);
  return readableOf(context, record, id, stamp, 'writing');
}

/**
 * Loads a memory that the actor may read.
 *
 * @throws NOT_FOUND if it does not exist or the actor may not read it, RECORD_DAMAGED
 */
export function loadReadable(context: ApplyContext, id: string, stamp: Stamp): MemoryRow {
  const record = context.records.unchecked(id);
  assertIntact(context, record, id, stamp);
  return assertKept(context, readableOf(context, record, id, stamp, 'ordinary'), stamp);
}

/** @throws NOT_FOUND if the time for which the memory is kept is over */
function assertKept({ retention }: ApplyContext, record: MemoryRow, { at }: Stamp): MemoryRow {
  if (retention.isOver(record, at)) throw noSuchMemory(record.id);
  return record;
}

function assertIntact(context: ApplyContext, record: MemoryRow | undefined, id: string, { by, scope }: Stamp): void {
  if (record === undefined || context.rowChecksum.isIntact(record)) return;
  throw mayKnowOfDamage(context, record, by, scope) ? damaged(id) : noSuchMemory(id);
}

function readableOf(
  context: ApplyContext,
  record: MemoryRow | undefined,
  id: string,
  { by, scope }: Stamp,
  view: TrustView,
): MemoryRow {
  const labels = record && memoryLabelsOf(context, record);
  if (record !== undefined && !mayReadState(by, record.state)) throw noSuchMemory(id);
  if (record === undefined || labels === undefined || !mayRead(context.policy, by, labels)) {
    throw noSuchMemory(id);
  }
  if (!isInScope(scope, scopedFieldsOfRow(context, record))) throw noSuchMemory(id);
  const trusted = { trust: context.trustOf(record), namespace: labels.namespace, author: labels.author };
  if (!isTrustedEnough(context.policy, { actor: by, scope }, trusted, view)) throw noSuchMemory(id);
  return record;
}

/**
 * The stored trust of a memory after an actor has changed it: never higher than before, and never higher than the ceilings of the actor and
 * of the channel, where the memory is now.
 */
export function changedTrust(
  { policy, interning }: Pick<ApplyContext, 'policy' | 'interning'>,
  before: MemoryRow,
  { label_set, source_channel }: Pick<MemoryRow, 'label_set' | 'source_channel'>,
  by: Actor,
): TrustLevel {
  const { namespace } = interning.labelSet(label_set);
  const channel = policy.channelCeiling(source_channel as SourceChannel, namespace);
  return lower(storedTrust(interning, before), lower(policy.ceilingOf(by, namespace), channel));
}

/** Keeps who has changed a memory, so that its trust follows that actor's ceiling from now on. */
export function keepContributor(
  { contributors }: Pick<ApplyContext, 'contributors'>,
  { row, author }: Pick<MemoryRow, 'row' | 'author'>,
  actor: number,
): void {
  if (actor !== author) contributors.insert({ row, actor });
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
