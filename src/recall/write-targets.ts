import { mayChange } from '../access/authorise';
import { forbiddenChange, noSuchMemory } from '../access/denials';
import { assertRevision, type Memory } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isRoot } from '../domain/principal';
import type { Caller } from '../domain/scope';
import { memoryLabelsOf, memoryOf } from '../state/tables/memory-row';
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
    const record = findRecord(context, caller, id);
    if (record === undefined) throw noSuchMemory(id);
    const labels = memoryLabelsOf(state, record);
    if (!mayChange(state.policy, caller.actor, 'update', labels)) throw forbiddenChange(id, 'update', labels.namespace);
    assertRevision(record, ifRevision);
    return { memory: memoryOf(record, state.interning), embedded: record.chunks > 0 };
  });
}

/** Counts the memories that match a selection, and lists the ids of those that the caller may forget. */
export function forgetTargets(
  context: ReadContext,
  caller: Caller,
  selection: ParsedSelection,
): { matched: number; ids: string[] } {
  const { state } = context;
  return context.snapshot(() => {
    const compiled = compileSelection(context, caller, selection);
    if (compiled === undefined) return { matched: 0, ids: [] };
    const found = state.selections.labels(compiled);
    // Root may forget records with damaged labels. For any other caller, a record without intact labels is never a target.
    const allowed = found.filter(
      (row) =>
        isRoot(caller.actor) ||
        (state.interning.describe(row) !== undefined &&
          mayChange(state.policy, caller.actor, 'forget', memoryLabelsOf(state, row))),
    );
    return { matched: found.length, ids: allowed.map(({ id }) => id) };
  });
}
