import { mayChange } from '../access/authorise';
import { forbiddenByTrust, forbiddenChange, noSuchMemory } from '../access/denials';
import { mayChangeTrusted } from '../access/trust-floor';
import { assertRevision, type Memory } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isRoot } from '../domain/principal';
import type { Caller } from '../domain/scope';
import type { TrustLevel } from '../domain/trust';
import type { LabelSet } from '../state/tables/interning';
import { type MemoryRow, memoryLabelsOf, memoryOf } from '../state/tables/memory-row';
import { gatherFacts } from './gather-facts';
import { findRecord } from './get';
import type { ReadContext } from './read-context';
import { compileSelection } from './visible-set';

/** The current state of a memory that `update` is about to change. */
export interface UpdateTarget {
  readonly memory: Memory;
  /** True if the memory has vectors. */
  readonly embedded: boolean;
}

/**
 * Reads the memory that an update will change. Makes the same checks that `apply` makes later, so that the new text is not embedded if
 * the update will be rejected.
 *
 * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT
 */
export function updateTarget(context: ReadContext, caller: Caller, id: string, ifRevision?: number): UpdateTarget {
  const { state } = context;
  return context.snapshot(() => {
    const record = findRecord(context, caller, id, 'writing');
    if (record === undefined) throw noSuchMemory(id);
    const labels = memoryLabelsOf(state, record);
    if (!mayChange(state.policy, caller.actor, 'update', labels)) throw forbiddenChange(id, 'update', labels.namespace);
    const trusted = { ...labels, trust: state.trustOf(record) };
    if (!mayChangeTrusted(state.policy, caller.actor, trusted)) throw forbiddenByTrust(id, 'update', labels.namespace);
    assertRevision(record, ifRevision);
    return { memory: memoryOf(record, state.interning, trusted.trust), embedded: record.chunks > 0 };
  });
}

/** The memories that a `forgetWhere` is about. */
export interface ForgetTargets {
  /** The number of memories that match the selection. */
  readonly matched: number;
  /** Those that the caller may forget. The labels are undefined for a record whose labels are damaged. */
  readonly targets: readonly { readonly id: string; readonly labels: LabelSet | undefined }[];
  /**
   * The ids of others that match, and that a retention has reached. Nobody finds them, so that they are forgotten without being counted:
   * the retention may end before the store forgets them.
   */
  readonly ended: readonly string[];
}

/** Counts the memories that match a selection, and lists the ids of those that the caller may forget. */
export async function forgetTargets(
  context: ReadContext,
  caller: Caller,
  selection: ParsedSelection,
  signal?: AbortSignal,
): Promise<ForgetTargets> {
  const { state } = context;
  const facts = await gatherFacts(context, caller, selection, signal);
  return context.snapshot(() => {
    const compiled = compileSelection(context, caller, selection, facts);
    if (compiled === undefined) return { matched: 0, targets: [], ended: [] };
    const found = state.selections.labels(compiled);
    // Root may forget records with damaged labels. For any other caller, a record without intact labels is never a target.
    const isAllowed = (row: (typeof found)[number]) =>
      isRoot(caller.actor) || (state.interning.describe(row) !== undefined && mayForget(context, caller, row));
    const { kept, ...withEnded } = compiled;
    const all = kept === undefined ? [] : state.selections.labels(withEnded);
    const ended = all.filter((row) => kept?.isKept(row.row, compiled.now) === false && isAllowed(row));
    const targets = found.filter(isAllowed).map((row) => {
      const hasLabels = state.interning.describe(row) !== undefined;
      return { id: row.id, labels: hasLabels ? state.interning.labelSet(row.label_set) : undefined };
    });
    return { matched: found.length, targets, ended: ended.map(({ id }) => id) };
  });
}

function mayForget(
  { state }: ReadContext,
  { actor }: Caller,
  row: Pick<MemoryRow, 'row' | 'label_set' | 'owner' | 'author'>,
) {
  const labels = memoryLabelsOf(state, row);
  // The columns hold the trust plus 1.
  const trust = ((state.columns.trust[row.row] as number) - 1) as TrustLevel;
  return (
    mayChange(state.policy, actor, 'forget', labels) && mayChangeTrusted(state.policy, actor, { ...labels, trust })
  );
}
