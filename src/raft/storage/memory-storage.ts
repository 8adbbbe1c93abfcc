import { type Membership, noMembers } from '../core/configuration';
import { type Entry, entriesBytes, firstEntries, noBytes } from '../core/entry';
import { invariant } from '../core/invariants';
import type { HardState, Snapshot } from '../core/messages';
import type { RaftStorage, StorageWork } from './raft-storage';

const noSnapshot: Snapshot = { index: 0, term: 0, configuration: noMembers, data: noBytes };

/** A log storage in memory: for tests, and as the model of what a storage on disk must do. */
export class MemoryStorage implements RaftStorage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot;
  #membership: Membership | undefined;
  // The place before the first entry.
  #purged: { index: number; term: number };
  #entries: Entry[] = [];

  /** Begins with a snapshot in place of a log: that of a cluster that is set up by hand. */
  constructor(snapshot: Snapshot = noSnapshot) {
    this.#snapshot = snapshot;
    this.#purged = { index: snapshot.index, term: snapshot.term };
  }

  get bytes(): number {
    return entriesBytes(this.#entries);
  }

  initialState(): { hardState: HardState; membership: Membership } {
    const { index, configuration } = this.#snapshot;
    return { hardState: this.#hardState, membership: this.#membership ?? { index, configuration } };
  }

  firstIndex(): number {
    return this.#purged.index + 1;
  }

  lastIndex(): number {
    return this.#purged.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    return index === this.#purged.index ? this.#purged.term : this.#entries[index - this.firstIndex()]?.term;
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | undefined {
    if (low < this.firstIndex()) return undefined;
    return firstEntries(this.#entries.slice(low - this.firstIndex(), high - this.firstIndex()), maxBytes);
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot.index === 0 ? undefined : this.#snapshot;
  }

  /** Stores everything at once: nothing is left to wait for. */
  store({ snapshot, entries, hardState }: StorageWork): undefined {
    if (snapshot !== undefined) this.install(snapshot);
    this.append(entries);
    if (hardState !== undefined) this.setHardState(hardState);
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Stores the membership that the state machine has applied, for a restart with `applied` above the snapshot. */
  setMembership(membership: Membership): void {
    this.#membership = membership;
  }

  /** Stores entries and drops all from the first one's index on. Entries that are purged already are skipped. */
  append(entries: readonly Entry[]): void {
    const fresh = entries.filter(({ index }) => index >= this.firstIndex());
    const first = fresh[0];
    if (first === undefined) return;
    invariant(first.index <= this.lastIndex() + 1, 'INDEX_ORDER', () => {
      return `An append at ${first.index} would leave a gap behind ${this.lastIndex()}.`;
    });
    this.#entries.splice(first.index - this.firstIndex(), this.#entries.length, ...fresh);
  }

  /** Replaces the log by a snapshot from the leader. */
  install(snapshot: Snapshot): void {
    if (snapshot.index <= this.#snapshot.index) return;
    this.#snapshot = snapshot;
    this.#membership = undefined;
    this.#purged = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
  }

  /** Keeps a snapshot that the state machine made. The log stays until it is purged. */
  saveSnapshot(snapshot: Snapshot): undefined {
    if (snapshot.index > this.#snapshot.index) this.#snapshot = snapshot;
  }

  /** Drops the entries up to `index`, which the newest snapshot must hold. */
  purge(index: number): undefined {
    const term = this.term(index);
    if (term === undefined || index <= this.#purged.index) return;
    invariant(index <= this.#snapshot.index, 'INDEX_ORDER', () => {
      return `Purging up to ${index} would drop entries that the snapshot at ${this.#snapshot.index} does not hold.`;
    });
    this.#entries.splice(0, index - this.#purged.index);
    this.#purged = { index, term };
  }

  /** Keeps everything: a test starts a node again from the same storage. */
  async close(): Promise<void> {}
}
