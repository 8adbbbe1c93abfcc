import { type Membership, noMembers } from '../../src/raft/core/configuration';
import { type Entry, firstEntries, type LogPlace, noBytes } from '../../src/raft/core/entry';
import type { LogStorage } from '../../src/raft/core/log-storage';
import type { HardState, Snapshot } from '../../src/raft/core/messages';
import type { Random } from '../faults/random';
import { check } from './violation';

/** One write. The disk keeps writes in their order. */
export type LogWrite =
  | { readonly kind: 'hard-state'; readonly hardState: HardState }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  /** A snapshot of the leader, in place of the log. */
  | { readonly kind: 'install'; readonly snapshot: Snapshot }
  /** A snapshot that this node made. The log stays. */
  | { readonly kind: 'save'; readonly snapshot: Snapshot }
  | { readonly kind: 'purge'; readonly index: number };

/** What was written, with a checksum of it. */
interface Stored<T> {
  readonly value: T;
  readonly sum: number;
}

interface LogContent {
  hardState: Stored<HardState>;
  snapshot: Snapshot;
  purged: LogPlace;
  entries: Stored<Entry>[];
}

/** Something stored is not what was written. The node must not go on: it may have promised what it no longer holds. */
export class DiskDamage extends Error {}

const noSnapshot: Snapshot = { index: 0, term: 0, configuration: noMembers, data: noBytes };

/**
 * The disk under a node's log. A write is readable at once and durable after a sync. A crash keeps some of the writes that were not
 * synced, in their order, and may tear the one after them: of its entries only the first survive.
 */
export class LogDisk implements LogStorage {
  #content: LogContent;
  #durable: LogContent;
  #waiting: LogWrite[] = [];
  #synced = 0;
  readonly #membership: () => Membership;

  constructor(snapshot: Snapshot | undefined, membership: () => Membership) {
    const first = snapshot ?? noSnapshot;
    const { index, term } = first;
    const hardState = { term, vote: 0, commit: index };
    this.#durable = { hardState: stored(hardState), snapshot: first, purged: { index, term }, entries: [] };
    this.#content = copyOf(this.#durable);
    this.#membership = membership;
  }

  initialState(): { hardState: HardState; membership: Membership } {
    // A node that starts reads everything.
    for (const entry of this.#content.entries) checked(entry);
    return { hardState: checked(this.#content.hardState), membership: this.#membership() };
  }

  firstIndex(): number {
    return this.#content.purged.index + 1;
  }

  lastIndex(): number {
    return this.#content.purged.index + this.#content.entries.length;
  }

  term(index: number): number | undefined {
    const { purged, entries } = this.#content;
    return index === purged.index ? purged.term : entries[index - purged.index - 1]?.value.term;
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | undefined {
    const first = this.firstIndex();
    if (low < first) return undefined;
    return firstEntries(this.#content.entries.slice(low - first, high - first).map(checked), maxBytes);
  }

  snapshot(): Snapshot | undefined {
    return this.#content.snapshot.index === 0 ? undefined : this.#content.snapshot;
  }

  write(write: LogWrite): void {
    apply(this.#content, write);
    this.#waiting.push(write);
  }

  /** How many writes there were. A sync that begins now makes them durable. */
  get written(): number {
    return this.#synced + this.#waiting.length;
  }

  /** A sync has ended that began when there were `written` writes. */
  sync(written: number): void {
    const done = this.#waiting.splice(0, Math.max(0, written - this.#synced));
    for (const write of done) apply(this.#durable, write);
    this.#synced += done.length;
  }

  /** Flips a bit of something that is durable. False if there is nothing of the kind. */
  damage(part: 'entry' | 'hard-state', random: Random): boolean {
    const { hardState, entries } = this.#durable;
    if (part === 'hard-state') {
      const { term, vote, commit } = hardState.value;
      const value = random.chance(0.5) ? { term, vote: vote ^ 1, commit } : { term: term ^ 1, vote, commit };
      if (this.#content.hardState === hardState) this.#content.hardState = { ...hardState, value };
      this.#durable.hardState = { ...hardState, value };
      return true;
    }
    const places = entries.flatMap(({ value }, at) =>
      value.kind === 'normal' && value.data.byteLength > 0 ? [at] : [],
    );
    if (places.length === 0) return false;
    const at = random.pick(places);
    const found = entries[at]!;
    const flipped = { ...found, value: withFlippedBit(found.value) };
    const same = this.#content.entries.indexOf(found);
    if (same >= 0) this.#content.entries[same] = flipped;
    entries[at] = flipped;
    return true;
  }

  /** The power fails. */
  crash(random: Random): void {
    const survivors = random.whole(0, this.#waiting.length);
    for (const write of this.#waiting.slice(0, survivors)) apply(this.#durable, write);
    const next = this.#waiting[survivors];
    if (next !== undefined) this.#tear(next, random);
    this.#synced += this.#waiting.length;
    this.#waiting = [];
    this.#content = copyOf(this.#durable);
  }

  // The hard state has two slots and a snapshot is renamed into place, so a torn write of them leaves what was there before. Each entry
  // has its own checksum: those that arrived whole are kept.
  #tear(write: LogWrite, random: Random): void {
    if (write.kind !== 'entries') return;
    const entries = write.entries.slice(0, random.whole(0, write.entries.length));
    if (entries.length > 0) apply(this.#durable, { kind: 'entries', entries });
  }
}

function apply(content: LogContent, write: LogWrite): void {
  switch (write.kind) {
    case 'hard-state':
      content.hardState = stored(write.hardState);
      break;
    case 'entries':
      append(content, write.entries);
      break;
    case 'install':
      content.snapshot = write.snapshot;
      content.purged = { index: write.snapshot.index, term: write.snapshot.term };
      content.entries = [];
      break;
    case 'save':
      if (write.snapshot.index > content.snapshot.index) content.snapshot = write.snapshot;
      break;
    case 'purge':
      purge(content, write.index);
      break;
  }
}

function append(content: LogContent, entries: readonly Entry[]): void {
  const { purged } = content;
  const fresh = entries.filter(({ index }) => index > purged.index);
  const first = fresh[0];
  if (first === undefined) return;
  const at = first.index - purged.index - 1;
  check(at <= content.entries.length, () => `An append at ${first.index} leaves a gap in the log.`);
  content.entries.splice(at, content.entries.length, ...fresh.map(stored));
}

function purge(content: LogContent, index: number): void {
  const count = index - content.purged.index;
  const last = content.entries[count - 1];
  if (count <= 0 || last === undefined) return;
  content.entries.splice(0, count);
  content.purged = { index, term: last.value.term };
}

// The same write is stored once, whoever looks at it.
const known = new WeakMap<object, Stored<unknown>>();

function stored<T extends Entry | HardState>(value: T): Stored<T> {
  const before = known.get(value) as Stored<T> | undefined;
  const now = before ?? { value, sum: sumOf(value) };
  if (before === undefined) known.set(value, now);
  return now;
}

function checked<T extends Entry | HardState>({ value, sum }: Stored<T>): T {
  if (sumOf(value) !== sum) throw new DiskDamage('the disk is damaged');
  return value;
}

function sumOf(value: Entry | HardState): number {
  let sum = 0x811c9dc5;
  const mix = (part: number) => (sum = Math.imul(sum ^ part, 0x01000193) >>> 0);
  if ('vote' in value) [value.term, value.vote, value.commit].forEach(mix);
  else {
    mix(value.index);
    mix(value.term);
    if (value.kind === 'normal') value.data.forEach(mix);
  }
  return sum;
}

function withFlippedBit(entry: Entry): Entry {
  if (entry.kind !== 'normal') return entry;
  // The last byte is part of the value.
  const data = Uint8Array.from(entry.data);
  data[data.length - 1]! ^= 1;
  return { ...entry, data };
}

function copyOf(content: LogContent): LogContent {
  return { ...content, entries: [...content.entries] };
}
