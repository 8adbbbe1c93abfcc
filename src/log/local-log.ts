import type { Command, Outcome } from '../domain/command';
import { MemoryError } from '../domain/errors';
import { startStopwatch } from '../environment/timers';
import type { ReplicatedLog } from './replicated-log';

/**
 * Commands of one transaction. Callers that arrive together share a commit; beyond this the event loop would be held
 * too long (measured: batches of 32 cost 14 % of throughput and halve the delay).
 */
const maxBatchLength = 32;

// A turn of the event loop costs a tenth of a commit: callers that write one after the other share some.
const msPerTurn = 2;
const batchesPerTurn = 16;

export interface LocalLogDeps {
  /** Applies a batch durably and answers each command in order, or throws and leaves nothing behind. */
  apply(batch: readonly Command[]): readonly Outcome[];
  /** A later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Awaited between batches: where a checkpoint may hold the writers back. */
  betweenBatches(): Promise<void> | undefined;
  /** More waiting commands than this are refused with OVERLOADED. */
  readonly maxPending: number;
}

interface Waiting {
  readonly command: Command;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** The log of a store that is alone: a sequencer in front of one transaction at a time. */
export class LocalLog implements ReplicatedLog {
  readonly #deps: LocalLogDeps;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #turn: { readonly elapsedMs: () => number; batches: number } | undefined;
  #closed = false;

  constructor(deps: LocalLogDeps) {
    this.#deps = deps;
  }

  get pending(): number {
    return this.#queue.length;
  }

  propose(command: Command): Promise<Outcome> {
    if (this.#closed)
      return Promise.reject(new MemoryError('STORE_CLOSED', 'The store is closed: open it again to write.'));
    if (this.#queue.length >= this.#deps.maxPending) {
      const message = `${this.#queue.length} writes are waiting for their commit, the most that this store takes: wait for some, or raise limits.pendingWrites.`;
      return Promise.reject(new MemoryError('OVERLOADED', message));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // Who asks in the same moment comes into the same batch: their steps lie between this one and the next.
      await (this.#mayHoldTurn() ? undefined : this.#deps.nextTurn());
      // What fails there is told by whoever does it; here callers are waiting.
      await this.#deps.betweenBatches()?.catch(() => undefined);
      this.#commit(this.#queue.splice(0, maxBatchLength));
    }
    this.#draining = undefined;
  }

  /** Whether the event loop can wait for another batch: input, output and timers get their turn soon enough. */
  #mayHoldTurn(): boolean {
    const turn = this.#turn;
    if (turn !== undefined) return turn.batches++ < batchesPerTurn && turn.elapsedMs() < msPerTurn;
    this.#turn = { elapsedMs: startStopwatch(), batches: 1 };
    void this.#deps.nextTurn().then(() => {
      this.#turn = undefined;
    });
    return true;
  }

  #commit(batch: readonly Waiting[]): void {
    try {
      const outcomes = this.#deps.apply(batch.map(({ command }) => command));
      for (const [i, waiting] of batch.entries()) waiting.resolve(outcomes[i] as Outcome);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }
}
