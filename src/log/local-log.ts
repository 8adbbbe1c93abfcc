import type { Command, Outcome } from '../domain/command';
import { invalidInput, MemoryError } from '../domain/errors';
import { startStopwatch } from '../environment/timers';
import { isBusy, whileBusy } from '../environment/while-busy';
import type { BarrierLevel, LogStatus, ReplicatedLog } from './replicated-log';

/**
 * The largest number of commands in one batch, which is one transaction. Callers that arrive together share a commit. Larger batches
 * would block the event loop too long (measured: this limit costs 14 % of the throughput and halves the latency).
 */
const maxBatchLength = 32;

// Waiting for a turn of the event loop takes a tenth of the time of a commit. So several batches of callers who write one after the
// other may run in one turn.
const maxMsPerTurn = 2;
const maxBatchesPerTurn = 16;

/** Makes what was applied durable. */
export interface LogSync {
  /**
   * Resolves when everything that was applied is durable. Undefined if it is so now.
   *
   * @throws OUTCOME_UNKNOWN
   */
  synced(): Promise<void> | undefined;
}

export interface LocalLogDeps {
  /** Applies a batch and returns the outcome of each command in order, or throws and leaves nothing behind. */
  apply(batch: readonly Command[]): readonly Outcome[];
  /** How far the state is applied: the number of its latest change. */
  position(): number;
  /** Undefined if everything is durable as soon as it is applied. */
  readonly sync: LogSync | undefined;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Awaited between two batches. It can delay the next batch, so that writers wait. */
  readonly checkpointer?: { betweenBatches(): Promise<unknown> | undefined } | undefined;
  /** The largest number of waiting commands. Further commands are rejected with OVERLOADED. */
  readonly maxPending: number;
}

interface PendingCommand {
  readonly command: Command;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** The log of a store without replicas: a queue of commands that are applied in batches. */
export class LocalLog implements ReplicatedLog {
  readonly #deps: LocalLogDeps;
  #queue: PendingCommand[] = [];
  /** The answer of the newest command in the queue. Undefined when the queue is applied, because it would keep a memory's text in RAM. */
  #newest: Promise<Outcome> | undefined;
  #draining: Promise<void> | undefined;
  #turn: { readonly elapsedMs: () => number; batches: number } | undefined;
  /** The number of commands that are applied but not durable, and the promise of their last batch. */
  #unsynced = 0;
  #syncing: Promise<void> | undefined;
  #position: number;
  #closed = false;

  constructor(deps: LocalLogDeps) {
    this.#deps = deps;
    this.#position = deps.position();
  }

  get pending(): number {
    return this.#queue.length + this.#unsynced;
  }

  propose(command: Command): Promise<Outcome> {
    if (this.#closed) {
      return Promise.reject(new MemoryError('STORE_CLOSED', 'The store is closed. Open it again to write.'));
    }
    if (this.pending >= this.#deps.maxPending) {
      const message = `${this.pending} writes are waiting for their commit, which is the limit of this store. Wait for some of them, or raise limits.pendingWrites.`;
      return Promise.reject(new MemoryError('OVERLOADED', message));
    }
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#queue.push({ command, resolve, reject });
      this.#draining ??= this.#drain();
    });
    this.#newest = outcome;
    return outcome;
  }

  async barrier(level: BarrierLevel): Promise<void> {
    await this.#newest?.catch(() => undefined);
    // A batch that failed is answered at once, also while an earlier one is not durable yet.
    await this.#syncing;
    if (typeof level === 'string' || level.after <= this.#position) return;
    const message = `expected a position of this store, which is at ${this.#position}, got ${level.after}. It is from another store, or from a time after the backup from which this store was restored.`;
    throw invalidInput([{ path: ['after'], message }], 'barrier');
  }

  position(): number {
    return this.#position;
  }

  status(): LogStatus {
    return { role: 'alone' };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#syncing;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // Callers who propose at the same moment get into the same batch: their code runs before the next step.
      await (this.#mayHoldTurn() ? undefined : this.#deps.nextTurn());
      // The checkpointer reports its own errors, so they are ignored here. Callers must get their answers all the same.
      await this.#deps.checkpointer?.betweenBatches()?.catch(() => undefined);
      const busy = this.#commit(this.#queue.splice(0, maxBatchLength));
      if (busy !== undefined) await busy;
    }
    this.#draining = undefined;
    this.#newest = undefined;
  }

  /** Returns whether another batch can run in this turn of the event loop without delaying input, output and timers too long. */
  #mayHoldTurn(): boolean {
    const turn = this.#turn;
    if (turn !== undefined) return turn.batches++ < maxBatchesPerTurn && turn.elapsedMs() < maxMsPerTurn;
    this.#turn = { elapsedMs: startStopwatch(), batches: 1 };
    void this.#deps.nextTurn().then(() => {
      this.#turn = undefined;
    });
    return true;
  }

  /** Undefined if the batch has ended. A promise while another program locks the database. */
  #commit(batch: readonly PendingCommand[]): Promise<void> | undefined {
    const commands = batch.map(({ command }) => command);
    const apply = () => this.#deps.apply(commands);
    try {
      this.#answer(batch, apply());
    } catch (error) {
      if (isBusy(error))
        return whileBusy(apply)
          .then((outcomes) => this.#answer(batch, outcomes))
          .catch((reason) => reject(batch, reason));
      reject(batch, error);
    }
    return undefined;
  }

  /** Answers the callers when their batch is durable. The next batch does not wait for that. */
  #answer(batch: readonly PendingCommand[], outcomes: readonly Outcome[]): void {
    const reached = this.#deps.position();
    const done = () => {
      this.#position = Math.max(this.#position, reached);
      answer(batch, outcomes);
    };
    const synced = this.#deps.sync?.synced();
    if (synced === undefined) {
      done();
      return;
    }
    this.#unsynced += batch.length;
    this.#syncing = synced
      .then(done, (reason) => reject(batch, reason))
      .then(() => {
        this.#unsynced -= batch.length;
      });
  }
}

function answer(batch: readonly PendingCommand[], outcomes: readonly Outcome[]): void {
  for (const [i, pending] of batch.entries()) pending.resolve(outcomes[i] as Outcome);
}

function reject(batch: readonly PendingCommand[], error: unknown): void {
  for (const pending of batch) pending.reject(error);
}
