import type { Entry, LogPlace } from './entry';
import type { Snapshot } from './messages';

/**
 * The end of the log that storage has not confirmed yet, and a snapshot that waits to be installed. Entries from `offset` on are here,
 * whether or not storage holds other, older entries under the same indexes.
 */
export class UnstableLog {
  #entries: Entry[] = [];
  #offset: number;
  // Entries below this were handed out to be stored.
  #handedOut: number;
  #snapshot: Snapshot | undefined;
  #isSnapshotHandedOut = false;

  constructor(offset: number) {
    this.#offset = offset;
    this.#handedOut = offset;
  }

  /** The index from which on entries are here. Everything before it is in storage. */
  get offset(): number {
    return this.#offset;
  }

  get hasEntries(): boolean {
    return this.#entries.length > 0;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** The snapshot, unless it was handed out. */
  get nextSnapshot(): Snapshot | undefined {
    return this.#isSnapshotHandedOut ? undefined : this.#snapshot;
  }

  /** The entries that were not handed out yet. */
  nextEntries(): readonly Entry[] {
    return this.#entries.slice(this.#handedOut - this.#offset);
  }

  get hasNextEntries(): boolean {
    return this.#handedOut < this.#offset + this.#entries.length;
  }

  lastIndex(): number | undefined {
    return this.hasEntries ? this.#offset + this.#entries.length - 1 : this.#snapshot?.index;
  }

  term(index: number): number | undefined {
    return index < this.#offset
      ? this.#snapshot?.index === index
        ? this.#snapshot.term
        : undefined
      : this.#entries[index - this.#offset]?.term;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - this.#offset];
  }

  slice(low: number, high: number): readonly Entry[] {
    return this.#entries.slice(low - this.#offset, high - this.#offset);
  }

  /** Everything here was handed out to be stored. */
  handOut(): void {
    this.#handedOut = this.#offset + this.#entries.length;
    if (this.#snapshot !== undefined) this.#isSnapshotHandedOut = true;
  }

  /**
   * Storage holds everything up to a place. If the entry there has another term, it was replaced while storage wrote, and the write
   * that replaces it is still on its way: nothing may be dropped from here, because storage could show the old entries until then.
   */
  stored(place: LogPlace): void {
    if (place.index < this.#offset || this.term(place.index) !== place.term) return;
    this.#entries = this.#entries.slice(place.index + 1 - this.#offset);
    this.#offset = place.index + 1;
    this.#handedOut = Math.max(this.#handedOut, this.#offset);
  }

  snapshotInstalled(index: number): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = undefined;
    this.#isSnapshotHandedOut = false;
  }

  /** Puts a snapshot in place of the whole log. */
  restore(snapshot: Snapshot): void {
    this.#entries = [];
    this.#offset = snapshot.index + 1;
    this.#handedOut = this.#offset;
    this.#snapshot = snapshot;
    this.#isSnapshotHandedOut = false;
  }

  /** Adds entries, and drops what stood at their indexes and behind. */
  append(entries: readonly Entry[]): void {
    const first = entries[0]!.index;
    if (first <= this.#offset) {
      this.#entries = [...entries];
      this.#offset = first;
    } else {
      // Slices were handed out, never the array itself, so it may change in place.
      this.#entries.length = first - this.#offset;
      for (const entry of entries) this.#entries.push(entry);
    }
    this.#handedOut = Math.min(this.#handedOut, first);
  }
}
