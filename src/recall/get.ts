import type { TrustView } from '../access/trust-floor';
import type { Memory } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import { isRoot } from '../domain/principal';
import type { Caller } from '../domain/scope';
import type { MemoryRow } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';
import { byIdView, checkRecord, toMemory } from './recheck';

/** Identifies a memory by its id, or by its key in a namespace. */
export type MemoryAddress = string | { readonly namespace: Namespace; readonly key: string };

/** Reads one memory by its id or key. Returns undefined if it does not exist, has expired, or may not be read by the caller. */
export function get(context: ReadContext, caller: Caller, address: MemoryAddress): Memory | undefined {
  const now = context.clock.now();
  return context.snapshot(() => {
    const record = findRecord(context, caller, address);
    if (record === undefined || (record.expires_at !== null && record.expires_at <= now)) return undefined;
    return toMemory(context, caller, record);
  });
}

/** Looks up the record of a memory that the caller may read, even if it has expired. */
export function findRecord(
  context: ReadContext,
  caller: Caller,
  address: MemoryAddress,
  view: TrustView = byIdView(caller),
): MemoryRow | undefined {
  if (typeof address !== 'string') return findByKey(context, caller, address);
  return checkRecord(context, caller, context.state.records.unchecked(address), view);
}

/**
 * Looks up a memory by its key. A key is unique only among memories with the same labels. If several memories have the key, the caller's
 * own private memory comes first. Root, which may read private memories from all authors, gets the shared memory first.
 */
function findByKey(
  context: ReadContext,
  caller: Caller,
  { namespace, key }: Exclude<MemoryAddress, string>,
): MemoryRow | undefined {
  const { state } = context;
  const own = state.interning.findActor(caller.actor);
  const owners = isRoot(caller.actor) ? ['any' as const] : own === undefined ? [0] : [own, 0];
  for (const owner of owners) {
    for (const labelSet of state.interning.labelSetsOf(namespace)) {
      const record = checkRecord(context, caller, state.records.uncheckedByKey(labelSet, owner, key), byIdView(caller));
      if (record !== undefined) return record;
    }
  }
  return undefined;
}
