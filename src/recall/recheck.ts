import { mayRead } from '../access/authorise';
import type { Memory } from '../domain/memory';
import { isRoot } from '../domain/principal';
import { isInScope } from '../domain/scope';
import { mayHearOf } from '../state/queries/damaged-record';
import { damaged, type MemoryRow, memoryLabelsOf, memoryOf, scopedFieldsOfRow } from '../state/tables/memory-row';
import type { ReadContext, Reader } from './read-context';

type Context = Pick<ReadContext, 'state'>;

/** Whether a record may leave the store towards this reader: decided from its labels alone, whatever found it. */
export function mayLeave({ state }: Context, { actor, scope }: Reader, record: MemoryRow): boolean {
  return (
    mayRead(state.policy, actor, memoryLabelsOf(state, record)) && isInScope(scope, scopedFieldsOfRow(state, record))
  );
}

/**
 * A record that was loaded unchecked, if it may leave.
 *
 * @throws RECORD_DAMAGED to who might read it.
 */
export function leaving(context: Context, reader: Reader, record: MemoryRow | undefined): MemoryRow | undefined {
  if (record === undefined) return undefined;
  const { state } = context;
  if (state.rowChecksum.isIntact(record)) return mayLeave(context, reader, record) ? record : undefined;
  if (mayHearOf(state, record, reader.actor, reader.scope)) throw damaged(record.id);
  return undefined;
}

/** The memory, if it may leave. A compiled filter let it through, so that a refusal here is counted. */
export function rechecked(context: ReadContext, reader: Reader, record: MemoryRow): Memory | undefined {
  if (mayLeave(context, reader, record)) return shownTo(context, reader, record);
  context.recheckRejected();
  return undefined;
}

/** A record that may leave, as its reader sees it. */
export function shownTo(context: Context, reader: Reader, record: MemoryRow): Memory {
  return withoutHiddenLinks(context, reader, memoryOf(record, context.state.interning));
}

/** A memory without the ids of those that took its place, or whose place it took, and that its reader may not read. */
export function withoutHiddenLinks(context: Context, reader: Reader, memory: Memory): Memory {
  const { supersedes, supersededBy, ...shown } = memory;
  if ((supersedes === undefined && supersededBy === undefined) || isRoot(reader.actor)) return memory;
  return {
    ...shown,
    ...(supersedes !== undefined && isKnownTo(context, reader, supersedes) ? { supersedes } : {}),
    ...(supersededBy !== undefined && isKnownTo(context, reader, supersededBy) ? { supersededBy } : {}),
  };
}

/** Whether a memory may be named to somebody, be it that it was forgotten. */
export function isKnownTo(context: Context, reader: Reader, id: string): boolean {
  const record = context.state.records.uncheckedOrTombstone(id);
  // A damaged one is not named: it keeps no other from being served.
  return record !== undefined && context.state.rowChecksum.isIntact(record) && mayLeave(context, reader, record);
}
