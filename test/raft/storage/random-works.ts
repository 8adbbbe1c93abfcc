import { configurationOf, noMembers } from '../../../src/raft/core/configuration';
import { type Entry, noBytes } from '../../../src/raft/core/entry';
import type { HardState, Snapshot } from '../../../src/raft/core/messages';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import type { RaftStorage, StorageWork } from '../../../src/raft/storage/raft-storage';
import { Random } from '../../faults/random';

/** One call to a storage. */
export type StorageCall =
  | { readonly kind: 'store'; readonly work: StorageWork }
  | { readonly kind: 'saveSnapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'purge'; readonly index: number };

export function callStorage(storage: RaftStorage, call: StorageCall): Promise<void> | undefined {
  switch (call.kind) {
    case 'store':
      return storage.store(call.work);
    case 'saveSnapshot':
      return storage.saveSnapshot(call.snapshot);
    case 'purge':
      return storage.purge(call.index);
  }
}

/** A model that holds what a storage holds. */
export function modelOf(storage: RaftStorage): MemoryStorage {
  const [first, last] = [storage.firstIndex(), storage.lastIndex()];
  const snapshot = storage.snapshot();
  const purged = { index: first - 1, term: storage.term(first - 1) ?? 0 };
  const isSame = snapshot !== undefined && snapshot.index === purged.index;
  const model = new MemoryStorage(isSame ? snapshot : { ...purged, configuration: noMembers, data: noBytes });
  if (snapshot !== undefined) model.saveSnapshot(snapshot);
  model.append(storage.entries(first, last + 1, Number.POSITIVE_INFINITY) ?? []);
  model.setHardState(storage.initialState().hardState);
  return model;
}

/** Calls such as a node makes them, at random. The same seed makes the same calls. `model` holds what a storage must hold after them. */
export class RandomWorks {
  readonly model: MemoryStorage;
  readonly #random: Random;
  readonly #maxDataBytes: number;

  /** @param model What the storage holds already. */
  constructor(seed: number, model = new MemoryStorage(), maxDataBytes = 300) {
    this.model = model;
    this.#random = new Random(seed);
    this.#maxDataBytes = maxDataBytes;
  }

  get hardState(): HardState {
    return this.model.initialState().hardState;
  }

  /** The next call. It is made on the model, too. */
  next(): StorageCall {
    const call = this.#call();
    callStorage(this.model, call);
    return call;
  }

  #call(): StorageCall {
    const choice = this.#random.whole(1, 100);
    const held = this.model.snapshot()?.index ?? 0;
    const { commit } = this.hardState;
    if (choice <= 3) return { kind: 'store', work: this.#installWork() };
    if (choice <= 9 && commit > held)
      return { kind: 'saveSnapshot', snapshot: this.#snapshotAt(this.#random.whole(held + 1, commit)) };
    if (choice <= 14 && held >= this.model.firstIndex())
      return { kind: 'purge', index: this.#random.whole(this.model.firstIndex(), held) };
    if (choice <= 25) return { kind: 'store', work: { hardState: this.#nextTerm(), entries: [] } };
    if (choice <= 40)
      return { kind: 'store', work: { hardState: this.#nextCommit(this.model.lastIndex()), entries: [] } };
    return { kind: 'store', work: this.#entriesWork() };
  }

  #installWork(): StorageWork {
    const { commit, term, vote } = this.hardState;
    const index = Math.max(commit, this.model.snapshot()?.index ?? 0) + this.#random.whole(1, 20);
    const snapshot = { ...this.#snapshotAt(index), term: Math.max(1, term) };
    const entries = this.#random.chance(0.3) ? this.#entriesFrom(index + 1, Math.max(1, term)) : [];
    return { snapshot, entries, hardState: { term: Math.max(1, term), vote, commit: index } };
  }

  #entriesWork(): StorageWork {
    const { term } = this.hardState;
    // A commit index may be lost, but what a snapshot holds is committed.
    const commit = Math.max(this.hardState.commit, this.model.snapshot()?.index ?? 0);
    const last = this.model.lastIndex();
    const truncates = this.#random.chance(0.15) && last > commit;
    if (!truncates && term > 0) {
      const entries = this.#entriesFrom(last + 1, term);
      return this.#random.chance(0.5) ? { entries } : { entries, hardState: this.#nextCommit(last + entries.length) };
    }
    const hardState = this.#nextTerm();
    const first = truncates ? this.#random.whole(commit + 1, last) : last + 1;
    return { entries: this.#entriesFrom(first, hardState.term), hardState };
  }

  #entriesFrom(first: number, term: number): readonly Entry[] {
    return Array.from({ length: this.#random.whole(1, 8) }, (_, at): Entry => {
      const place = { index: first + at, term };
      if (this.#random.chance(0.05)) {
        const changes = [{ kind: 'add-learner', node: this.#random.whole(1, 2 ** 40) }] as const;
        const context = this.#data();
        return { ...place, kind: 'configuration', change: { transition: 'auto', changes, context } };
      }
      return { ...place, kind: 'normal', data: this.#data() };
    });
  }

  #data(): Uint8Array {
    // Records of the same length are where an old one could follow a new one.
    const length = this.#random.pick([0, 40, 40, 40, 40, this.#random.whole(1, this.#maxDataBytes)]);
    const first = this.#random.whole(0, 255);
    return Uint8Array.from({ length }, (_, at) => (first + at * 7) & 255);
  }

  #nextTerm(): HardState {
    const { term, commit } = this.hardState;
    return { term: term + this.#random.whole(1, 3), vote: this.#random.whole(0, 5), commit };
  }

  #nextCommit(last: number): HardState {
    const { hardState } = this;
    const least = Math.max(hardState.commit, this.model.snapshot()?.index ?? 0);
    return {
      ...hardState,
      term: Math.max(1, hardState.term),
      commit: last < least ? least : this.#random.whole(least, last),
    };
  }

  #snapshotAt(index: number): Snapshot {
    const configuration = configurationOf([1, this.#random.whole(2, 9)], [this.#random.whole(10, 12)]);
    return { index, term: this.model.term(index) ?? 0, configuration, data: this.#data() };
  }
}
