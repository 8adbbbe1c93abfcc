import type { Memory } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import { isRoot } from '../domain/principal';
import type { MemoryRow } from '../state/tables/memory-row';
import type { ReadContext, Reader } from './read-context';
import { leaving, shownTo } from './recheck';

export type Address = string | { readonly namespace: Namespace; readonly key: string };

/** One memory by id or by key. What may not be read, and what has expired, looks like what does not exist. */
export function get(context: ReadContext, reader: Reader, address: Address): Memory | undefined {
  const now = context.clock.now();
  return context.snapshot(() => {
    const record = find(context, reader, address);
    if (record === undefined || (record.expires_at !== null && record.expires_at <= now)) return undefined;
    return shownTo(context, reader, record);
  });
}

/** The record of a memory that may be read, expired or not. */
export function find(context: ReadContext, reader: Reader, address: Address): MemoryRow | undefined {
  if (typeof address !== 'string') return byKey(context, reader, address);
  return leaving(context, reader, context.state.records.unchecked(address));
}

/**
 * A key is unique among memories with the same labels. Of several that may be read, the reader's own private one comes first; for
 * root, which reads everybody's, the shared one.
 */
function byKey(
  context: ReadContext,
  reader: Reader,
  { namespace, key }: Exclude<Address, string>,
): MemoryRow | undefined {
  const { state } = context;
  const own = state.interning.findActor(reader.actor);
  const owners = isRoot(reader.actor) ? ['any' as const] : own === undefined ? [0] : [own, 0];
  for (const owner of owners) {
    for (const scope of state.interning.labelSetsOf(namespace)) {
      const record = leaving(context, reader, state.records.uncheckedByKey(scope, owner, key));
      if (record !== undefined) return record;
    }
  }
  return undefined;
}
