import { invalidInput, MemoryError } from '../../domain/errors';
import { type Membership, noMembers } from '../core/configuration';
import type { Entry } from '../core/entry';
import { InvariantViolation, invariant } from '../core/invariants';
import type { HardState, Snapshot } from '../core/messages';
import type { HardStateFile, StoredState } from './hard-state-file';
import { isClusterId, type StoredIdentity, writeIdentity } from './identity-file';
import { type NodeFiles, openNodeFiles, type SegmentStorageOptions } from './node-files';
import type { NodeIdentity, RaftStorage, StorageWork } from './raft-storage';
import type { SegmentLog } from './segment-log';
import { removeOldRecords, storeSnapshotRecord } from './snapshot-records';
import { closedStorage, failedFile, fullDisk } from './storage-errors';
import type { StorageFolder } from './storage-files';

/**
 * A node's storage on disk. Its folder holds:
 *
 * - `identity.json`: who the node is.
 * - `hard-state`: term, vote, commit index, and where the log begins. See `HardStateFile`.
 * - `log/`: the entries, in files of 16 MB that are filled with zeros ahead of time. See `scanLog` for what a start makes of them.
 * - `snapshots/`: one file that describes each snapshot. The state machine keeps the snapshots themselves there, too.
 *
 * Writes and reads run in the calling thread, and syncs in another one, so a slow disk does not hold the event loop. Only one process may
 * open the folder: the store holds a lock.
 */
export class SegmentStorage implements RaftStorage {
  readonly #folder: StorageFolder;
  readonly #snapshots: StorageFolder;
  readonly #hardState: HardStateFile;
  readonly #log: SegmentLog;
  #identity: StoredIdentity;
  #snapshot: Snapshot | undefined;
  #membership: Membership | undefined;
  /** What the core has stored last. Its commit index may be above what is durable. */
  #stored: HardState;
  #durableEnd: number;
  /** The last entry that is durable. */
  #durableIndex: number;
  #running: Sync | undefined;
  #nextSync: Promise<void> | undefined;
  /** The saves of the hard state that are not done. No entry is written meanwhile: none may be of a later term than the hard state. */
  #savesRunning = 0;
  /** Whether the last save found no room. Nothing is stored before the state is saved, because it may hold a vote or where the log begins. */
  #isUnsaved = false;
  #saved: Promise<void> = Promise.resolve();
  /** The steps of calls that cannot be done at once, and how many of them are not done. */
  #steps: Promise<void> = Promise.resolve();
  #stepsWaiting = 0;
  /** Whether the last entries found no room. */
  #isFull = false;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor({ folder, snapshots, hardState, log, identity, snapshot }: NodeFiles) {
    this.#folder = folder;
    this.#snapshots = snapshots;
    this.#hardState = hardState;
    this.#log = log;
    this.#identity = identity;
    this.#snapshot = snapshot;
    const { term, vote, commit, durableEnd } = hardState.state;
    this.#stored = { term, vote, commit };
    this.#durableEnd = durableEnd;
    this.#durableIndex = log.places.lastIndex;
  }

  /**
   * Opens the folder of a node, and creates it for a new one. Everything in the folder is checked first.
   *
   * @throws RECORD_DAMAGED if a file is not what this node has stored; then nothing has changed. STORE_NEWER, FILE_FAILED, DISK_FULL
   */
  static async open(options: SegmentStorageOptions): Promise<SegmentStorage> {
    const files = openNodeFiles(options);
    const storage = new SegmentStorage(files);
    storage.#prepareNext();
    // The process before died before it had erased them.
    if (files.hasPurged) storage.#erase(files.hardState.state.logStart).catch(() => undefined);
    return storage;
  }

  /** Who this node is. */
  get identity(): NodeIdentity {
    return { ...this.#identity, start: this.#hardState.state.start };
  }

  get bytes(): number {
    return this.#log.end - this.#hardState.state.logStart;
  }

  /**
   * Stores the cluster that the node has founded or joined. It is durable when this returns.
   *
   * @throws CLUSTER_MISMATCH if the node belongs to another one
   */
  setCluster(cluster: string): void {
    this.#assertUsable();
    if (!isClusterId(cluster)) {
      const message = 'expected 32 hexadecimal digits, got something else.';
      throw invalidInput([{ path: ['cluster'], message }], 'identity');
    }
    if (this.#identity.cluster === cluster) return;
    if (this.#identity.cluster !== undefined) {
      const message = `The folder ${this.#folder.path} belongs to another cluster. Use an empty folder, or the address of that cluster.`;
      throw new MemoryError('CLUSTER_MISMATCH', message);
    }
    const identity = { ...this.#identity, cluster };
    writeIdentity(this.#folder, identity);
    this.#identity = identity;
  }

  initialState(): { hardState: HardState; membership: Membership } {
    const { index = 0, configuration = noMembers } = this.#snapshot ?? {};
    return { hardState: this.#stored, membership: this.#membership ?? { index, configuration } };
  }

  firstIndex(): number {
    return this.#log.places.firstIndex;
  }

  lastIndex(): number {
    return this.#log.places.lastIndex;
  }

  term(index: number): number | undefined {
    const { purged } = this.#hardState.state;
    return index === purged.index ? purged.term : this.#log.places.term(index);
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | undefined {
    if (low < this.firstIndex()) return undefined;
    const end = Math.min(high, this.lastIndex() + 1);
    return low < end ? this.#log.entries(low, end, maxBytes) : [];
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  setMembership(membership: Membership): void {
    this.#membership = membership;
  }

  store(work: StorageWork): Promise<void> | undefined {
    const { hardState, snapshot, entries } = work;
    const hasEntries = entries.length > 0;
    const isVote = hardState !== undefined && this.#isVote(hardState);
    if (!this.#log.canHold(entries)) return Promise.reject(this.#tooLong());
    const waits = hasEntries && (isVote || this.#savesRunning > 0 || !this.#log.hasRoomFor(entries));
    const needsSteps = this.#stepsWaiting > 0 || this.#isUnsaved || snapshot !== undefined || waits;
    if (needsSteps) return this.#step(() => this.#storeInSteps(work));
    try {
      this.#assertUsable();
      if (hasEntries) this.#append(entries);
      if (hardState !== undefined) this.#stored = this.#committable(hardState);
      if (isVote) return this.#saveState({});
      if (hasEntries) return this.#synced().catch((error: unknown) => Promise.reject(this.#ended(error)));
      if (hardState !== undefined) this.#note();
      // A commit index need not be durable, but the vote that comes with it must be.
      return this.#savesRunning > 0 ? this.#saved : undefined;
    } catch (error) {
      return Promise.reject(this.#ended(error));
    }
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> | undefined {
    return this.#step(async () => {
      if (snapshot.index <= (this.#snapshot?.index ?? 0)) return;
      await storeSnapshotRecord(this.#snapshots, snapshot);
      this.#snapshot = snapshot;
      removeOldRecords(this.#snapshots);
    });
  }

  async purge(index: number): Promise<void> {
    let logStart: number | undefined;
    await this.#step(async () => {
      const term = this.term(index);
      if (term === undefined || index <= this.#hardState.state.purged.index) return;
      const held = this.#snapshot?.index ?? 0;
      invariant(index <= held, 'INDEX_ORDER', () => {
        return `Purging up to ${index} would drop entries that the snapshot at ${held} does not hold.`;
      });
      const start = this.#log.startBehind(index);
      this.#log.dropUpTo(index);
      await this.#saveState({ purged: { index, term }, ...start });
      this.#log.removeBefore(start.logStart);
      logStart = start.logStart;
    });
    // Works need not wait for this.
    if (logStart !== undefined) await this.#erase(logStart);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #storeInSteps({ hardState, snapshot, entries }: StorageWork): Promise<void> {
    // The term and the vote come first: they need no room, and no entry is ever of a later term than the hard state.
    if (hardState !== undefined && this.#isVote(hardState)) {
      this.#stored = { ...hardState, commit: this.#stored.commit };
      await this.#saveState({});
    }
    if (snapshot !== undefined && snapshot.index > (this.#snapshot?.index ?? 0)) await this.#install(snapshot);
    if (entries.length > 0) {
      await this.#makeRoomFor(entries);
      this.#append(entries);
      await this.#synced();
    }
    if (hardState === undefined) return;
    this.#stored = this.#committable(hardState);
    this.#note();
  }

  async #install(snapshot: Snapshot): Promise<void> {
    await storeSnapshotRecord(this.#snapshots, snapshot);
    this.#snapshot = snapshot;
    this.#membership = undefined;
    const { index, term } = snapshot;
    this.#log.clear(index + 1);
    this.#durableIndex = index;
    if (this.#running !== undefined) this.#running.lastIndex = index;
    const { end: logStart, lastRecord: logPrevious } = this.#log;
    await this.#saveState({ purged: { index, term }, logStart, logPrevious });
    this.#log.removeBefore(logStart);
    removeOldRecords(this.#snapshots);
    this.#erase(logStart).catch(() => undefined);
  }

  /** Erases purged records before a position. A full disk is no reason to stop: the next purge, or the next start, erases them. */
  async #erase(position: number): Promise<void> {
    try {
      await this.#log.eraseBefore(position);
    } catch (error) {
      if (!isDiskFull(error)) throw this.#ended(error);
    }
  }

  async #makeRoomFor(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#log.makeRoomFor(entries);
    } catch (error) {
      this.#isFull = isDiskFull(error);
      throw error;
    }
  }

  #tooLong(): MemoryError {
    const message = `expected entries of at most ${this.#log.maxBodyBytes} bytes, got a longer one. Write fewer memories in one call.`;
    return invalidInput([{ path: ['entries'], message }], 'log');
  }

  #append(entries: readonly Entry[]): void {
    const fresh = entries.filter(({ index }) => index >= this.firstIndex());
    const first = fresh[0]?.index;
    if (first === undefined) return;
    // The entries before these found no room.
    if (this.#isFull && first > this.lastIndex() + 1) throw fullDisk(this.#folder.path);
    invariant(first <= this.lastIndex() + 1, 'INDEX_ORDER', () => {
      return `An append at ${first} would leave a gap behind ${this.lastIndex()}.`;
    });
    this.#durableIndex = Math.min(this.#durableIndex, first - 1);
    if (this.#running !== undefined) this.#running.lastIndex = Math.min(this.#running.lastIndex, first - 1);
    // Unless all of them are written, those that follow would leave a gap.
    this.#isFull = true;
    this.#log.append(fresh, this.#durableEnd);
    this.#isFull = false;
    this.#prepareNext();
  }

  #prepareNext(): void {
    this.#log.prepareNext().catch((error: unknown) => {
      // The append that needs the segment tries again.
      if (!isDiskFull(error)) this.#ended(error);
    });
  }

  /** Resolves when all entries are durable. Entries that are written while a sync runs share the next one. */
  #synced(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#running === undefined) return this.#startSync();
    if (this.#running.end === this.#log.end) return this.#running.done;
    this.#nextSync ??= this.#running.done.then(() => {
      this.#nextSync = undefined;
      return this.#synced();
    });
    return this.#nextSync;
  }

  #startSync(): Promise<void> {
    const end = this.#log.end;
    const done = this.#log.sync().then(
      () => {
        const { lastIndex } = this.#running as Sync;
        this.#running = undefined;
        this.#durableEnd = end;
        this.#durableIndex = Math.max(this.#durableIndex, lastIndex);
        this.#note();
      },
      (error: unknown) => {
        this.#running = undefined;
        throw this.#ended(error);
      },
    );
    this.#running = { end, lastIndex: this.lastIndex(), done };
    return done;
  }

  #isVote({ term, vote }: HardState): boolean {
    return term !== this.#stored.term || vote !== this.#stored.vote;
  }

  /** While entries wait for room, the log may hold others in their place, which must not become committed. */
  #committable(hardState: HardState): HardState {
    return this.#isFull ? { ...hardState, commit: this.#stored.commit } : hardState;
  }

  #currentState(): StoredState {
    const { term, vote, commit } = this.#stored;
    // The commit index is not synced, so it must never reach the disk before the entries that it is about.
    return {
      ...this.#hardState.state,
      ...{ term, vote, commit: Math.min(commit, this.#durableIndex), durableEnd: this.#durableEnd },
    };
  }

  async #saveState(changes: Partial<StoredState>): Promise<void> {
    this.#savesRunning++;
    this.#saved = this.#hardState.save({ ...this.#currentState(), ...changes });
    try {
      await this.#saved;
      this.#isUnsaved = false;
    } catch (error) {
      this.#isUnsaved = true;
      throw this.#ended(error);
    } finally {
      this.#savesRunning--;
    }
  }

  /** Writes the commit index, and how much is durable. Both may get lost. */
  #note(): void {
    try {
      this.#hardState.note(this.#currentState());
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  /** Runs after all calls before it, and no entries are written meanwhile. */
  #step(act: () => Promise<void>): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedStorage());
    this.#stepsWaiting++;
    const done = this.#steps.then(async () => {
      try {
        // Whatever a step stores must not reach the disk before the entries and the vote of an earlier call.
        if (this.#durableEnd < this.#log.end) await this.#synced();
        if (this.#savesRunning > 0) await this.#saved.catch(() => undefined);
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#isUnsaved) await this.#saveState({});
        await act();
      } catch (error) {
        throw this.#ended(error);
      } finally {
        this.#stepsWaiting--;
      }
    });
    this.#steps = done.catch(() => undefined);
    return done;
  }

  #assertUsable(): void {
    if (this.#closing !== undefined) throw closedStorage();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the storage, unless the error is about the call alone. Returns the error. */
  #ended(error: unknown): Error {
    if (error instanceof InvariantViolation) return error;
    const failure = failedFile(this.#folder.path, error);
    if (!['DISK_FULL', 'STORE_CLOSED', 'INVALID_INPUT'].includes(failure.code)) this.#failure ??= failure;
    return failure;
  }

  async #close(): Promise<void> {
    await this.#steps;
    while (this.#running !== undefined || this.#nextSync !== undefined) {
      const waiting = this.#nextSync ?? this.#running?.done;
      await waiting?.catch(() => undefined);
      if (this.#failure !== undefined && this.#running === undefined) break;
    }
    await this.#log.settled();
    await this.#hardState.settled();
    // What was not confirmed is not confirmed now, either.
    if (this.#failure === undefined) await this.#saveState({}).catch(() => undefined);
    await this.#hardState.settled();
    this.#hardState.close();
    this.#log.close();
  }
}

/** A sync of the log that runs. `lastIndex` is the last entry that is durable when it is done. */
interface Sync {
  readonly end: number;
  lastIndex: number;
  readonly done: Promise<void>;
}

function isDiskFull(error: unknown): boolean {
  return MemoryError.is(error) && error.code === 'DISK_FULL';
}
