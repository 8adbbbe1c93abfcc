import { MemoryError } from '../../../src/domain/errors';
import type { Snapshot } from '../../../src/raft/core/messages';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import type { RaftStorage, StorageWork } from '../../../src/raft/storage/raft-storage';

/** The faults of a disk. They outlast a restart of its node. */
export interface DiskFaults {
  isStalled: boolean;
  isFull: boolean;
  /** How long a sync takes now. */
  syncMs(): number;
}

export interface DiskOptions {
  readonly schedule: (ms: number, action: () => void) => void;
  /** A mistake: works are said to be durable when they are only written. */
  readonly acknowledgesEarly?: boolean;
}

interface Written {
  readonly sync: () => void;
  readonly done: () => void;
  readonly lost: () => void;
}

/**
 * A storage whose works become durable after a while. What is not durable when its node ends is lost: the next storage begins with what is
 * on `disk`.
 */
export class CrashingStorage implements RaftStorage {
  readonly #disk: MemoryStorage;
  readonly #view: MemoryStorage;
  readonly #faults: DiskFaults;
  readonly #schedule: DiskOptions['schedule'];
  readonly #acknowledgesEarly: boolean;
  /** Works that are written and not durable, in their order. */
  #written: Written[] = [];
  #syncing: readonly Written[] = [];
  #isSyncing = false;
  /** Whether the last entries found no room. */
  #lacksEntries = false;
  #isClosed = false;

  constructor(disk: MemoryStorage, faults: DiskFaults, { schedule, acknowledgesEarly = false }: DiskOptions) {
    this.#disk = disk;
    this.#view = copyOf(disk);
    this.#faults = faults;
    this.#schedule = schedule;
    this.#acknowledgesEarly = acknowledgesEarly;
  }

  get bytes(): number {
    return this.#view.bytes;
  }

  initialState: RaftStorage['initialState'] = () => this.#view.initialState();
  firstIndex: RaftStorage['firstIndex'] = () => this.#view.firstIndex();
  lastIndex: RaftStorage['lastIndex'] = () => this.#view.lastIndex();
  term: RaftStorage['term'] = (index) => this.#view.term(index);
  entries: RaftStorage['entries'] = (low, high, maxBytes) => this.#view.entries(low, high, maxBytes);
  snapshot: RaftStorage['snapshot'] = () => this.#view.snapshot();

  setMembership: RaftStorage['setMembership'] = (membership) => {
    this.#view.setMembership(membership);
  };

  async store(work: StorageWork): Promise<void> {
    const { hardState, snapshot, entries } = work;
    const needsRoom = entries.length > 0 || snapshot !== undefined;
    const leavesGap =
      entries[0] !== undefined && snapshot === undefined && entries[0].index > this.#view.lastIndex() + 1;
    const isRefused = needsRoom && (this.#faults.isFull || (this.#lacksEntries && leavesGap));
    if (isRefused) this.#lacksEntries = true;
    else if (needsRoom) this.#lacksEntries = false;
    // Other entries may stand in the place of those that found no room: they must not become committed.
    const { commit } = this.#lacksEntries || hardState === undefined ? this.#view.initialState().hardState : hardState;
    const state = hardState === undefined ? {} : { hardState: { ...hardState, commit } };
    await this.#write((to) => to.store(isRefused ? { ...state, entries: [] } : { ...work, ...state }));
    if (isRefused) throw new MemoryError('DISK_FULL', 'The disk is full.');
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#write((to) => to.saveSnapshot(snapshot));
  }

  purge(index: number): Promise<void> {
    return this.#write((to) => to.purge(index));
  }

  /** The process ends: what waits is lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { lost } of [...this.#syncing, ...this.#written]) lost();
    this.#written = [];
  }

  #write(change: (to: MemoryStorage) => void): Promise<void> {
    change(this.#view);
    return new Promise((done, reject) => {
      const lost = () => reject(new MemoryError('STORE_CLOSED', 'The storage was closed.'));
      this.#written.push({ sync: () => change(this.#disk), done, lost });
      if (this.#acknowledgesEarly) done();
      this.#syncNext();
    });
  }

  /** One sync for everything that waits. */
  #syncNext(): void {
    if (this.#isSyncing || this.#isClosed || this.#written.length === 0) return;
    this.#isSyncing = true;
    const works = this.#written.splice(0);
    this.#syncing = works;
    const end = () => {
      if (this.#isClosed) return;
      if (this.#faults.isStalled) {
        this.#schedule(100, end);
        return;
      }
      for (const { sync } of works) sync();
      this.#isSyncing = false;
      this.#syncing = [];
      for (const { done } of works) done();
      this.#syncNext();
    };
    this.#schedule(this.#faults.syncMs(), end);
  }
}

function copyOf(disk: MemoryStorage): MemoryStorage {
  const copy = new MemoryStorage(disk.snapshot());
  const first = copy.firstIndex();
  const last = disk.lastIndex();
  if (last >= first) copy.append(disk.entries(first, last + 1, Number.MAX_SAFE_INTEGER) ?? []);
  copy.setHardState(disk.initialState().hardState);
  return copy;
}
