import type { ConfigurationChange } from './configuration-change';

/** What a proposal asks to add to the log. The core never looks into `data`. */
export type Proposed =
  | { readonly kind: 'normal'; readonly data: Uint8Array }
  | { readonly kind: 'configuration'; readonly change: ConfigurationChange };

/** An entry of the log: a proposal with the place that it got. A normal entry without data is what a new leader begins with. */
export type Entry = Proposed & { readonly term: number; readonly index: number };

/** A place in the log. Two logs that hold the same place hold the same entries up to it. */
export interface LogPlace {
  readonly index: number;
  readonly term: number;
}

// What an entry costs beside its data: term, index, kind and the object itself. It keeps thousands of empty entries within the bounds.
const entryOverheadBytes = 32;
// A change of the configuration names few nodes. Its size never matters, but it must not be free.
const bytesPerChange = 16;

/** The bytes that the proposer put into an entry. This is what the bound of uncommitted entries counts. */
export function payloadBytes(entry: Proposed): number {
  if (entry.kind === 'normal') return entry.data.byteLength;
  return entry.change.changes.length * bytesPerChange + (entry.change.context?.byteLength ?? 0);
}

/** The sum of the payloads. */
export function payloadsBytes(entries: readonly Proposed[]): number {
  let sum = 0;
  for (const entry of entries) sum += payloadBytes(entry);
  return sum;
}

/** The size of entries as the bounds of messages and of batches count it. */
export function entriesBytes(entries: readonly Entry[]): number {
  return payloadsBytes(entries) + entries.length * entryOverheadBytes;
}

/** The first entries that together stay within `maxBytes`, and at least one if there is one, so that a large entry is never stuck. */
export function firstEntries(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  let bytes = 0;
  for (let count = 0; count < entries.length; count += 1) {
    bytes += payloadBytes(entries[count]!) + entryOverheadBytes;
    if (count > 0 && bytes > maxBytes) return entries.slice(0, count);
  }
  return entries;
}

/** Whether two entries are the same, to the byte. */
export function equalEntries(a: Entry, b: Entry): boolean {
  if (a.term !== b.term || a.index !== b.index || a.kind !== b.kind) return false;
  if (a.kind === 'normal' && b.kind === 'normal') return equalBytes(a.data, b.data);
  if (a.kind !== 'configuration' || b.kind !== 'configuration') return false;
  const [left, right] = [a.change, b.change];
  return (
    left.transition === right.transition &&
    equalBytes(left.context ?? noBytes, right.context ?? noBytes) &&
    left.changes.length === right.changes.length &&
    left.changes.every(({ kind, node }, at) => kind === right.changes[at]!.kind && node === right.changes[at]!.node)
  );
}

/** The data of an entry that carries none. */
export const noBytes: Uint8Array = new Uint8Array(0);

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.byteLength !== b.byteLength) return false;
  for (let at = 0; at < a.byteLength; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
