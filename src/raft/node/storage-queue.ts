import { MemoryError } from '../../domain/errors';
import type { HardState, Message, Snapshot } from '../core/messages';
import type { StorageAppend } from '../core/ready';
import type { RaftStorage } from '../storage/raft-storage';

export interface StorageQueueDeps {
  readonly storage: RaftStorage;
  /** Puts a snapshot that was stored into the state machine. */
  install(snapshot: Snapshot): Promise<void>;
  /** Delivers responses whose work is durable. */
  respond(responses: readonly Message[]): void;
  /** The disk is full. Called when that begins, and again after each further attempt. */
  onDiskFull(): void;
  /** The storage or the installation failed: the node must end. */
  fail(error: unknown): void;
}

const maxStalledTicks = 15;

interface Waiting {
  work: StorageAppend;
  isStored: boolean;
}

/**
 * The works for the storage of a node. Each is stored at once, and works that wait share a sync; but the responses of a work leave only
 * when it and all works before it are durable.
 *
 * A full disk is the only failure that the node survives. Until there is room again, works wait in their order, and only terms and votes are
 * stored, for which the storage has a reserve: the node votes, and says of no entry that it has it. Also the commit index waits: the log may
 * still hold other entries in the place of those that found no room, and they are not committed.
 */
export class StorageQueue {
  readonly #deps: StorageQueueDeps;
  #waiting: Waiting[] = [];
  /** The newest hard state of all works. */
  #hardState: HardState;
  /** The commit index of the last work whose turn has come. */
  #commit: number;
  /** Counts the times when the disk was full. What was stored out of turn before is stored again. */
  #attempt = 0;
  /** The work that was the oldest at the last tick, and for how many ticks it has been. */
  #oldest: Waiting | undefined;
  #stalledTicks = 0;
  #isFull = false;
  #isRetrying = false;
  #isEnded = false;

  constructor(deps: StorageQueueDeps) {
    this.#deps = deps;
    const { hardState } = deps.storage.initialState();
    this.#hardState = hardState;
    this.#commit = hardState.commit;
  }

  /** Whether the disk takes nothing now: it is full, or it has not finished a work for an election time-out. */
  get isStuck(): boolean {
    return this.#isFull || this.#stalledTicks >= maxStalledTicks;
  }

  /** A unit of time has passed. */
  tick(): void {
    const [oldest] = this.#waiting;
    this.#stalledTicks = oldest !== undefined && oldest === this.#oldest ? this.#stalledTicks + 1 : 0;
    this.#oldest = oldest;
  }

  add(work: StorageAppend): void {
    this.#hardState = work.hardState ?? this.#hardState;
    const waiting = this.#isJoined(work) ? undefined : { work, isStored: false };
    if (waiting !== undefined) this.#waiting.push(waiting);
    if (this.#isFull) this.#storeVote(work);
    else if (waiting !== undefined) this.#store(waiting);
  }

  /** Tries again to store what found no room. */
  retry(): void {
    if (!this.#isFull || this.#isRetrying) return;
    this.#isRetrying = true;
    void this.#storeInOrder().finally(() => {
      this.#isRetrying = false;
    });
  }

  /** Responds to nothing any more. */
  end(): void {
    this.#isEnded = true;
    this.#waiting = [];
  }

  /**
   * Joins a work that needs no room to the last one that waits, if it can. A disk may take nothing for hours, and the node answers each
   * heartbeat in the meantime.
   */
  #isJoined(work: StorageAppend): boolean {
    const last = this.#waiting.at(-1);
    if (last === undefined || needsRoom(work)) return false;
    const { hardState = last.work.hardState } = work;
    // A state must be stored itself, unless the last work is stored again as a whole. The first one may be on its way.
    const isStoredAgain = this.#isFull && this.#waiting.length > 1 && !needsRoom(last.work);
    if (work.hardState !== undefined && !isStoredAgain) return false;
    const responses = newestOf([...last.work.responses, ...work.responses]);
    last.work = { ...last.work, ...(hardState && { hardState }), responses };
    return true;
  }

  #store(waiting: Waiting): void {
    const attempt = this.#attempt;
    let stored: Promise<void> | undefined;
    try {
      stored = this.#durable(waiting.work);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (stored === undefined) this.#stored(waiting);
    else
      stored.then(
        () => {
          if (attempt === this.#attempt) this.#stored(waiting);
        },
        (error) => this.#failed(error),
      );
  }

  /** Undefined if the work is durable already. */
  #durable(work: StorageAppend): Promise<void> | undefined {
    const stored = this.#deps.storage.store(work);
    const { snapshot } = work;
    if (snapshot === undefined) return stored;
    return Promise.resolve(stored).then(() => this.#deps.install(snapshot));
  }

  #stored(waiting: Waiting): void {
    if (this.#isEnded) return;
    waiting.isStored = true;
    while (this.#waiting[0]?.isStored) {
      const { work } = this.#waiting.shift() as Waiting;
      this.#commit = work.hardState?.commit ?? this.#commit;
      this.#deps.respond(work.responses);
    }
  }

  #failed(error: unknown): void {
    if (this.#isEnded) return;
    if (!MemoryError.is(error) || error.code !== 'DISK_FULL') {
      this.#deps.fail(error);
      return;
    }
    this.#isFull = true;
    this.#attempt++;
    // A work that was stored after the one that found no room is stored again in its turn, or the earlier one would replace its entries.
    for (const waiting of this.#waiting) waiting.isStored = false;
    this.#deps.onDiskFull();
  }

  async #storeInOrder(): Promise<void> {
    for (let waiting = this.#waiting[0]; waiting !== undefined && !this.#isEnded; waiting = this.#waiting[0]) {
      const { work } = waiting;
      try {
        // A later vote may be stored already.
        const hardState = { ...this.#hardState, commit: work.hardState?.commit ?? this.#commit };
        await this.#durable({ ...work, hardState });
      } catch (error) {
        this.#failed(error);
        return;
      }
      this.#stored(waiting);
    }
    this.#isFull = false;
  }

  /** Stores only the term and the vote of a work, and lets only the votes for others go: a leader needs room on its disk. */
  #storeVote({ responses }: StorageAppend): void {
    const votes = responses.filter(({ kind, from, to }) => isVote(kind) && from !== to);
    if (votes.length === 0) return;
    const { storage, respond } = this.#deps;
    try {
      const stored = storage.store({ hardState: { ...this.#hardState, commit: this.#commit }, entries: [] });
      Promise.resolve(stored).then(
        () => {
          if (!this.#isEnded) respond(votes);
        },
        (error) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }
}

function needsRoom({ entries, snapshot }: StorageAppend): boolean {
  return entries.length > 0 || snapshot !== undefined;
}

/** The newest response of each kind to each node, which makes those before it needless. Each snapshot is answered, though. */
function newestOf(responses: readonly Message[]): readonly Message[] {
  const newest = new Map<string, Message>();
  for (const response of responses) {
    const { kind, to } = response;
    const key = `${kind}/${to}/${kind === 'storage-appended' ? response.snapshotIndex : 0}`;
    const before = newest.get(key);
    // A repeated message is answered with less than the node holds.
    if (before !== undefined && saysMore(before, response)) continue;
    newest.delete(key);
    newest.set(key, response);
  }
  return [...newest.values()];
}

/** Whether an answer of the same term confirms more entries than a later one. */
function saysMore(before: Message, after: Message): boolean {
  if (before.kind !== 'append-response' || after.kind !== 'append-response' || before.term !== after.term) return false;
  return !before.isRejected && !after.isRejected && before.index > after.index;
}

function isVote(kind: Message['kind']): boolean {
  return kind === 'vote-response' || kind === 'pre-vote-response';
}
