import { mayRead, mayReadState } from '../access/authorise';
import { isTrustedEnough, type TrustView } from '../access/trust-floor';
import type { Memory } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isRoot } from '../domain/principal';
import { type Caller, isInScope } from '../domain/scope';
import { mayKnowOfDamage } from '../state/queries/damaged-record';
import { damaged, type MemoryRow, memoryLabelsOf, memoryOf, scopedFieldsOfRow } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';

type Context = Pick<ReadContext, 'state'>;

/**
 * Checks whether a record may be returned to a caller. This is the second access check. It uses only the labels in the record, and does
 * not depend on the query that found it.
 */
export function mayLeave({ state }: Context, caller: Caller, record: MemoryRow, view: TrustView): boolean {
  const { actor, scope } = caller;
  if (!mayReadState(actor, record.state)) return false;
  const labels = memoryLabelsOf(state, record);
  const isAllowed = mayRead(state.policy, actor, labels) && isInScope(scope, scopedFieldsOfRow(state, record));
  return isAllowed && isTrustedEnough(state.policy, caller, { ...labels, trust: state.trustOf(record) }, view);
}

/** Whether the time for which a memory is kept is not over. */
function isKept({ state, clock }: Pick<ReadContext, 'state' | 'clock'>, { row }: MemoryRow): boolean {
  return !state.columns.hasRetention || state.columns.isKept(row, clock.now());
}

/**
 * Checks a record that was loaded without checks. Returns the record if it is intact and may be returned to the caller, otherwise
 * undefined.
 *
 * @throws RECORD_DAMAGED if the record is damaged and its current labels allow the caller to read it
 */
export function checkRecord(
  context: Pick<ReadContext, 'state' | 'clock'>,
  caller: Caller,
  record: MemoryRow | undefined,
  view: TrustView = 'ordinary',
): MemoryRow | undefined {
  if (record === undefined || !isKept(context, record)) return undefined;
  const { state } = context;
  if (state.rowChecksum.isIntact(record)) return mayLeave(context, caller, record, view) ? record : undefined;
  if (mayKnowOfDamage(state, record, caller.actor, caller.scope)) throw damaged(record.id);
  return undefined;
}

/** Converts a record that a query found to a memory. If it fails the second access check, counts this and returns undefined. */
export function recheck(
  context: ReadContext,
  caller: Caller,
  record: MemoryRow,
  view: TrustView = 'ordinary',
): Memory | undefined {
  // Its time may have ended since the query found it.
  if (!isKept(context, record)) return undefined;
  if (mayLeave(context, caller, record, view)) return toMemory(context, caller, record);
  context.recheckRejected();
  return undefined;
}

/** Converts a checked record to a memory, without links to memories that the caller may not read. */
export function toMemory(context: Context, caller: Caller, record: MemoryRow): Memory {
  return withoutHiddenLinks(context, caller, memoryOf(record, context.state.interning, context.state.trustOf(record)));
}

/** Removes `supersedes` and `supersededBy` from a memory if they name memories that the caller may not read. */
export function withoutHiddenLinks(context: Context, caller: Caller, memory: Memory): Memory {
  const { supersedes, supersededBy, ...rest } = memory;
  if ((supersedes === undefined && supersededBy === undefined) || isRoot(caller.actor)) return memory;
  return {
    ...rest,
    ...(supersedes !== undefined && mayLearnId(context, caller, supersedes) ? { supersedes } : {}),
    ...(supersededBy !== undefined && mayLearnId(context, caller, supersededBy) ? { supersededBy } : {}),
  };
}

/**
 * Checks whether a caller may learn that a memory exists or existed. For a damaged record the answer is false, so that a memory that links
 * to it can still be returned.
 */
export function mayLearnId(context: Context, caller: Caller, id: string): boolean {
  const record = context.state.records.uncheckedOrTombstone(id);
  return (
    record !== undefined &&
    context.state.rowChecksum.isIntact(record) &&
    mayLeave(context, caller, record, byIdView(caller))
  );
}

/** How a selection looks at memories that are less trusted. */
export function viewOf({ include }: Pick<ParsedSelection, 'include'>): TrustView {
  return include.has('quarantined') ? 'quarantined' : 'ordinary';
}

/** How a lookup of one memory by its id looks at it. The host finds everything, so that it can decide about it. */
export function byIdView({ actor }: Caller): TrustView {
  return isRoot(actor) ? 'quarantined' : 'ordinary';
}
