import type { Membership } from '../../src/raft/core/configuration';
import type { Entry } from '../../src/raft/core/entry';
import type { Snapshot } from '../../src/raft/core/messages';
import type { Random } from '../faults/random';
import { Machine, type Outcome, type StoreStates } from './machine';

interface AppliedEntry {
  readonly entry: Entry;
  readonly membership: Membership | undefined;
}

/**
 * The state machine on its disk, which applies without a sync, as SQLite at NORMAL does: a crash takes it back to any state since the last
 * checkpoint, but never to a mixture of states.
 */
export class StateDisk {
  #machine: Machine;
  #checkpoint: Machine;
  #sinceCheckpoint: AppliedEntry[] = [];
  readonly #stores: StoreStates | undefined;

  constructor(machine: Machine, stores: StoreStates | undefined) {
    this.#machine = machine;
    this.#stores = stores;
    this.#checkpoint = machine.copy();
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** The last index that survives a crash for certain. Only what is below may be cut from the log. */
  get durable(): number {
    return this.#checkpoint.applied;
  }

  apply(entry: Entry, membership: Membership | undefined): Outcome | undefined {
    this.#sinceCheckpoint.push({ entry, membership });
    return this.#machine.apply(entry, membership);
  }

  checkpoint(): void {
    this.#checkpoint.close();
    this.#checkpoint = this.#machine.copy();
    this.#sinceCheckpoint = [];
  }

  /** Replaces the machine by that of a snapshot, which is durable. */
  install(snapshot: Snapshot): void {
    this.#machine.close();
    this.#machine = Machine.decode(snapshot.data, this.#stores);
    this.checkpoint();
  }

  crash(random: Random): void {
    const survivors = this.#sinceCheckpoint.slice(0, random.whole(0, this.#sinceCheckpoint.length));
    this.#machine.close();
    this.#machine = this.#checkpoint.copy();
    for (const { entry, membership } of survivors) this.#machine.apply(entry, membership);
    this.checkpoint();
  }
}
