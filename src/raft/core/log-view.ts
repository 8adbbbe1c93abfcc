import { type Entry, entriesBytes, equalEntries, firstEntries, type LogPlace } from './entry';
import { invariant } from './invariants';
import type { LogStorage } from './log-storage';
import type { Snapshot } from './messages';
import { UnstableLog } from './unstable-log';

/** Entries that follow a place. */
export interface LogSlice {
  readonly previous: LogPlace;
  readonly entries: readonly Entry[];
}

/**
 * The whole log of a node: what storage holds, continued by what it does not hold yet, with the marks of what is committed, handed out
 * to be applied, and applied. It keeps purged <= applied <= applying <= committed <= last.
 */
export class LogView {
  readonly #storage: LogStorage;
  readonly unstable: UnstableLog;
  readonly #maxApplyingBytes: number;
  #committed: number;
  #applying: number;
  #applied: number;
  #applyingBytes = 0;
  #isApplyingPaused = false;

  constructor(storage: LogStorage, maxApplyingBytes: number) {
    this.#storage = storage;
    this.#maxApplyingBytes = maxApplyingBytes;
    this.unstable = new UnstableLog(storage.lastIndex() + 1);
    const purged = storage.firstIndex() - 1;
    [this.#committed, this.#applying, this.#applied] = [purged, purged, purged];
  }

  get committed(): number {
    return this.#committed;
  }

  get applied(): number {
    return this.#applied;
  }

  get firstIndex(): number {
    const { snapshot } = this.unstable;
    return snapshot === undefined ? this.#storage.firstIndex() : snapshot.index + 1;
  }

  get lastIndex(): number {
    return this.unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  get committedPlace(): LogPlace {
    return { index: this.#committed, term: this.termOrZero(this.#committed) };
  }

  get lastPlace(): LogPlace {
    return { index: this.lastIndex, term: this.termOrZero(this.lastIndex) };
  }

  /** The term at an index, or undefined if the entry is purged or not there. */
  term(index: number): number | undefined {
    if (index + 1 < this.firstIndex || index > this.lastIndex) return undefined;
    return this.unstable.term(index) ?? this.#storage.term(index);
  }

  termOrZero(index: number): number {
    return this.term(index) ?? 0;
  }

  matches(place: LogPlace): boolean {
    return this.term(place.index) === place.term;
  }

  /** Whether a log that ends at this place holds at least as much as this one, as voters compare logs. */
  isUpToDate(place: LogPlace): boolean {
    const last = this.lastPlace;
    return place.term > last.term || (place.term === last.term && place.index >= last.index);
  }

  /** Entries from an index on, within a number of bytes and at least one. Undefined if the first of them is purged. */
  entriesFrom(low: number, maxBytes: number): readonly Entry[] | undefined {
    return low > this.lastIndex ? [] : this.slice(low, this.lastIndex + 1, maxBytes);
  }

  /** The entries with `low <= index < high`, within a number of bytes and at least one. Undefined if the first of them is purged. */
  slice(low: number, high: number, maxBytes: number): readonly Entry[] | undefined {
    if (low < this.firstIndex) return undefined;
    const { offset } = this.unstable;
    if (low >= offset) return firstEntries(this.unstable.slice(low, high), maxBytes);
    const end = Math.min(high, offset);
    const stored = this.#storage.entries(low, end, maxBytes);
    if (stored === undefined || stored.length < end - low || high <= offset) return stored;
    return firstEntries([...stored, ...this.unstable.slice(offset, high)], maxBytes);
  }

  /** Adds entries of the leader itself. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    invariant(first.index > this.#committed, 'COMMITTED_IMMUTABLE', () => {
      return `The entry ${first.index} would be replaced, but everything up to ${this.#committed} is committed.`;
    });
    this.unstable.append(entries);
  }

  /** Adds the entries of a leader if the log holds the place before them. Answers the last index that matches, or undefined. */
  appendMatching({ previous, entries }: LogSlice, leaderCommit: number): number | undefined {
    if (!this.matches(previous)) return undefined;
    const last = previous.index + entries.length;
    const conflict = entries.findIndex((entry) => this.term(entry.index) !== entry.term);
    this.#checkEqual(conflict < 0 ? entries : entries.slice(0, conflict));
    if (conflict >= 0) this.append(entries.slice(conflict));
    this.commitTo(Math.min(leaderCommit, last));
    return last;
  }

  /** Throws if a leader has another entry at a place that is committed here. A committed entry is the same on every later leader. */
  checkCommitted(places: readonly LogPlace[]): void {
    for (const { index, term } of places) {
      if (index > this.#committed) return;
      const own = this.term(index);
      invariant(own === undefined || own === term, 'COMMITTED_IMMUTABLE', () => {
        return `The entry ${index} is committed here in term ${own}, but the leader has one of term ${term}.`;
      });
    }
  }

  commitTo(index: number): void {
    if (index <= this.#committed) return;
    invariant(index <= this.lastIndex, 'LOG_LOST', () => {
      return `The entry ${index} is committed and was stored here, but the log ends at ${this.lastIndex}.`;
    });
    this.#committed = index;
  }

  /** Commits up to an index if its entry is of this term: entries of older terms are committed only with one of the leader's own. */
  commitInTerm(place: LogPlace): boolean {
    if (place.index <= this.#committed || !this.matches(place)) return false;
    this.commitTo(place.index);
    return true;
  }

  /** The highest place at or below an index whose term is at most `term`: a log that differs there cannot match above it. */
  highestPlace(index: number, term: number): LogPlace {
    for (let at = index; at > 0; at -= 1) {
      const found = this.term(at);
      if (found === undefined) return { index: at, term: 0 };
      if (found <= term) return { index: at, term: found };
    }
    return { index: 0, term: 0 };
  }

  get hasSnapshot(): boolean {
    return this.unstable.snapshot !== undefined;
  }

  /** The newest snapshot that can be sent. */
  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  restore(snapshot: Snapshot): void {
    this.unstable.restore(snapshot);
    this.#committed = snapshot.index;
  }

  /** Whether there are committed entries to apply. `alsoUnstable`: entries may be applied before they are durable on this node. */
  hasNextCommitted(alsoUnstable: boolean): boolean {
    return !this.#isApplyingPaused && !this.hasSnapshot && this.#applying < this.#appliable(alsoUnstable);
  }

  nextCommitted(alsoUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(alsoUnstable)) return [];
    const bytes = this.#maxApplyingBytes - this.#applyingBytes;
    const entries = this.slice(this.#applying + 1, this.#appliable(alsoUnstable) + 1, bytes);
    invariant(entries !== undefined && entries.length > 0, 'INDEX_ORDER', () => {
      return `The committed entry ${this.#applying + 1} is needed but purged: the log begins at ${this.firstIndex}.`;
    });
    return entries;
  }

  /** These committed entries were handed out to be applied. */
  handOut(entries: readonly Entry[], alsoUnstable: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#applying = last.index;
    this.#applyingBytes += entriesBytes(entries);
    // An entry larger than what is left is handed out when the others are applied.
    this.#isApplyingPaused =
      this.#applyingBytes >= this.#maxApplyingBytes || this.#applying < this.#appliable(alsoUnstable);
  }

  /** Everything up to an index is applied. `bytes` is the size of the entries that were handed out for it. */
  appliedTo(index: number, bytes: number): void {
    invariant(index >= this.#applied && index <= this.#committed, 'INDEX_ORDER', () => {
      return `The entry ${index} cannot be applied now: ${this.#applied} is applied and ${this.#committed} is committed.`;
    });
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#isApplyingPaused = this.#applyingBytes >= this.#maxApplyingBytes;
  }

  #appliable(alsoUnstable: boolean): number {
    return alsoUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }

  // The same index and term mean the same entry. What is still in memory is compared, which costs nothing: it comes twice only seldom.
  #checkEqual(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const own = this.unstable.at(entry.index);
      invariant(own === undefined || own === entry || equalEntries(own, entry), 'LOGS_MATCH', () => {
        return `The leader's entry ${entry.index} of term ${entry.term} differs from the one that was stored under this index and term.`;
      });
    }
  }
}
