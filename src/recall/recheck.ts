import { mayRead } from '../access/authorise';
import type { Memory } from '../domain/memory';
import { isRoot } from '../domain/principal';
import { type Caller, isInScope } from '../domain/scope';
import { mayKnowOfDamage } from '../state/queries/damaged-record';
import { damaged, type MemoryRow, memoryLabelsOf, memoryOf, scopedFieldsOfRow } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';

type Context = Pick<ReadContext, 'state'>;

/**
 * Whether a record may leave the store towards a caller. This is the second access check: it decides from the labels of the
 * record alone, whichever query found the record.
 */
function mayLeave({ state }: Context, { actor, scope }: Caller, record: MemoryRow): boolean {
  return (
    mayRead(state.policy, actor, memoryLabelsOf(state, record)) && isInScope(scope, scopedFieldsOfRow(state, record))
  );
}

/**
 * A record that was loaded without checks: itself if it is intact and may leave, else undefined.
 *
 * @throws RECORD_DAMAGED if it is damaged and the caller may read it by the labels that it carries.
 */
export function checkRecord(context: Context, caller: Caller, record: MemoryRow | undefined): MemoryRow | undefined {
  if (record === undefined) return undefined;
  const { state } = context;
  if (state.rowChecksum.isIntact(record)) return mayLeave(context, caller, record) ? record : undefined;
  if (mayKnowOfDamage(state, record, caller.actor, caller.scope)) throw damaged(record.id);
  return undefined;
}

/** The memory of a record that passed the compiled access filter. Undefined, and counted, if it fails the second check. */
export function recheck(context: ReadContext, caller: Caller, record: MemoryRow): Memory | undefined {
  if (mayLeave(context, caller, record)) return toMemory(context, caller, record);
  context.recheckRejected();
  return undefined;
}

/** The memory of a checked record, without links to memories that the caller may not read. */
export function toMemory(context: Context, caller: Caller, record: MemoryRow): Memory {
  return withoutHiddenLinks(context, caller, memoryOf(record, context.state.interning));
}

/** A memory without the ids in `supersedes` and `supersededBy` that the caller may not read. */
export function withoutHiddenLinks(context: Context, caller: Caller, memory: Memory): Memory {
  const { supersedes, supersededBy, ...rest } = memory;
  if ((supersedes === undefined && supersededBy === undefined) || isRoot(caller.actor)) return memory;
  return {
    ...rest,
    ...(supersedes !== undefined && mayLearnId(context, caller, supersedes) ? { supersedes } : {}),
    ...(supersededBy !== undefined && mayLearnId(context, caller, supersededBy) ? { supersededBy } : {}),
  };
}

/** Whether a caller may learn that a memory exists or existed. False for a damaged record, so that damage hides no other memory. */
export function mayLearnId(context: Context, caller: Caller, id: string): boolean {
  const record = context.state.records.uncheckedOrTombstone(id);
  return record !== undefined && context.state.rowChecksum.isIntact(record) && mayLeave(context, caller, record);
}
