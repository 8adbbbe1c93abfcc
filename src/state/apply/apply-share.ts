import { assertMayWrite } from '../../access/may-write';
import type { LabelChange, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { assertRevision, type Visibility } from '../../domain/memory';
import type { Namespace } from '../../domain/namespace';
import { sameActor } from '../../domain/principal';
import { isInScope } from '../../domain/scope';
import { contentBytes } from '../quota-usage';
import { type MemoryRow, memoryLabelsOf, scopedFieldsOfRow } from '../tables/memory-row';
import type { ApplyContext } from './apply-context';
import { assertWithinQuota, countedLabels } from './apply-quota';
import { losesKey } from './apply-remember';
import { changedTrust, keepContributor, loadForChange } from './apply-update';
import { endConsolidation, isConsolidated } from './end-consolidation';
import { revise } from './revise';

/** The labels of a memory after the change. */
interface NewLabels {
  readonly visibility: Visibility;
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
}

/** Changes who may read a memory, and makes a new revision. Requires `share` in its old namespace and `write` in its new one. */
export function applyShare(
  context: ApplyContext,
  id: string,
  change: LabelChange,
  ifRevision: number | undefined,
  stamp: Stamp,
): MemoryRow {
  const record = loadForChange(context, context.records.unchecked(id), id, 'share', stamp);
  const { namespace, accessTags } = context.interning.labelSet(record.label_set);
  const target = { visibility: record.owner === 0 ? ('shared' as const) : ('private' as const), namespace, accessTags };
  const wanted: NewLabels = { ...target, ...change };
  authorise(context, record, wanted, stamp);
  assertRevision(record, ifRevision);
  const displaced = keyOwner(context, record, wanted, { change, stamp });
  const before = countedLabels(context, record);
  assertWithinQuota(context, stamp, {
    author: context.interning.actor(record.author),
    before,
    after: { ...before, namespaceId: context.interning.findNamespace(wanted.namespace) },
    bytes: contentBytes(record),
  });
  const isSource = isConsolidated(record);
  if (isSource) endConsolidation(context, { changed: [record] }, stamp, new Set([record.row]));
  const label_set = context.interning.internLabelSet(wanted.namespace, wanted.accessTags);
  const by = context.interning.internActor(stamp.by);
  if (displaced !== undefined) revise(context, displaced, { columns: { key: null }, at: stamp.at, by });
  keepContributor(context, record, by);
  // Its endorsers vouched for it where it was. Elsewhere others decide.
  if (context.interning.findNamespace(wanted.namespace) !== before.namespaceId) {
    context.endorsements.deleteOfRow(record.row);
  }
  return revise(context, record, {
    columns: {
      ...(isSource ? { state: 'active' as const } : {}),
      label_set,
      owner: wanted.visibility === 'private' ? record.author : 0,
      trust: changedTrust(context, record, { ...record, label_set }, stamp.by),
    },
    at: stamp.at,
    by,
  });
}

function authorise(context: ApplyContext, record: MemoryRow, wanted: NewLabels, { by: actor, scope }: Stamp): void {
  const { namespace, accessTags, visibility } = wanted;
  const scoped = { ...scopedFieldsOfRow(context, record), namespace };
  const labels = { namespace, accessTags, key: record.key ?? undefined };
  assertMayWrite(context.policy, { actor, scope }, `Memory ${record.id} with this change`, scoped, labels);
  const { author } = memoryLabelsOf(context, record);
  if (visibility === 'private' && record.owner === 0 && !sameActor(author, actor)) {
    throw new MemoryError('FORBIDDEN', `Not allowed to make memory ${record.id} private: only its author may.`);
  }
}

/**
 * Finds the memory that gives up its key for the moved one (see `losesKey`), if there is one.
 *
 * @throws INVALID_INPUT if another memory has the key under the new labels, and keeps it
 */
function keyOwner(
  context: ApplyContext,
  record: MemoryRow,
  wanted: NewLabels,
  { change, stamp }: { readonly change: LabelChange; readonly stamp: Stamp },
): MemoryRow | undefined {
  const { interning, records } = context;
  const scope = interning.findLabelSet(wanted.namespace, wanted.accessTags);
  if (record.key === null || scope === undefined) return undefined;
  const owner = wanted.visibility === 'private' ? record.author : 0;
  const taken = records.byKey(scope, owner, record.key);
  if (taken === undefined || taken.row === record.row) return undefined;
  // Nobody finds a memory whose time is over, so that it cannot be forgotten or moved first.
  if (context.retention.isOver(taken, stamp.at)) return taken;
  if (losesKey(context, taken, stamp.by, context.trustOf(record))) return taken;
  const within = stamp.scope;
  const path = ['change', ...Object.keys(change).slice(0, 1)];
  const other = isInScope(within, scopedFieldsOfRow(context, taken)) ? `memory ${taken.id}` : 'another memory';
  const message = `expected labels under which the key ${JSON.stringify(record.key)} is free, but ${other} has it there. Forget or move one of them first.`;
  throw invalidInput([{ path, message }], 'change');
}
