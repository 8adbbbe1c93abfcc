import { isCleared, mayIn, mayRead } from '../../access/authorise';
import type { LabelChange, Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import type { Visibility } from '../../domain/memory';
import { type Namespace, showNamespace } from '../../domain/namespace';
import { sameActor } from '../../domain/principal';
import { isInScope, type ParsedScope } from '../../domain/scope';
import type { MemoryRow } from '../tables/memory-row';
import { type ApplyContext, memoryLabelsOf, scopedFieldsOfRow } from './apply-context';
import { assertRevision, loadForChange, outsideScope } from './apply-update';
import { revise } from './revise';

/** The labels that a memory is to have. */
interface Target {
  readonly visibility: Visibility;
  readonly namespace: Namespace;
  readonly accessTags: readonly string[];
}

/** Changes who may read a memory, as a revision: it takes `share` where the memory is and `write` where it goes. */
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
  const wanted: Target = { ...target, ...change };
  authorise(context, record, wanted, stamp);
  assertRevision(record, ifRevision);
  assertKeyIsFree(context, record, wanted, { change, within: stamp.scope });
  return revise(context, record, {
    columns: {
      label_set: context.interning.internLabelSet(wanted.namespace, wanted.accessTags),
      owner: wanted.visibility === 'private' ? record.author : 0,
    },
    at: stamp.at,
    by: context.interning.internActor(stamp.by),
  });
}

function authorise(context: ApplyContext, record: MemoryRow, wanted: Target, { by, scope }: Stamp): void {
  const { policy } = context;
  const { namespace, accessTags, visibility } = wanted;
  const labels = memoryLabelsOf(context, record);
  if (!isInScope(scope, { ...scopedFieldsOfRow(context, record), namespace }))
    throw outsideScope(`Memory ${record.id}, so shared,`);
  if (!mayIn(policy, by, 'write', namespace) || !isCleared(policy, by, accessTags, namespace)) {
    const message = `Sharing memory ${record.id} to ${showNamespace(namespace)} takes write there, and a clearance for each of its access tags.`;
    throw new MemoryError('FORBIDDEN', message);
  }
  if (visibility === 'private' && record.owner === 0 && !sameActor(labels.author, by)) {
    throw new MemoryError('FORBIDDEN', `Only its author makes memory ${record.id} private.`);
  }
  const becomes = { namespace, accessTags, author: labels.author };
  if (record.key !== null && !mayRead(policy, by, becomes)) throw forbiddenKey(record.key, namespace);
}

/** Whoever writes under a key learns whether it was taken. */
export function forbiddenKey(key: string, namespace: Namespace): MemoryError {
  const message = `Writing under the key ${JSON.stringify(key)} in ${showNamespace(namespace)} takes read there: it shows whether the key is taken.`;
  return new MemoryError('FORBIDDEN', message);
}

function assertKeyIsFree(
  context: ApplyContext,
  record: MemoryRow,
  wanted: Target,
  { change, within }: { readonly change: LabelChange; readonly within: ParsedScope },
): void {
  const { interning, records } = context;
  const scope = interning.findLabelSet(wanted.namespace, wanted.accessTags);
  if (record.key === null || scope === undefined) return;
  const owner = wanted.visibility === 'private' ? record.author : 0;
  const taken = records.byKey(scope, owner, record.key);
  if (taken === undefined || taken.row === record.row) return;
  const path = ['change', ...Object.keys(change).slice(0, 1)];
  const other = isInScope(within, scopedFieldsOfRow(context, taken)) ? `memory ${taken.id}` : 'another memory';
  const message = `leads to where ${other} has the same key ${JSON.stringify(record.key)}: forget or move one of them first.`;
  throw invalidInput([{ path, message }], 'The change');
}
