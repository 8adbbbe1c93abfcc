import { setTimeout } from 'node:timers/promises';
import type { MemoryHandle } from 'multi-agent-memory';
import { questionOf, type Ticket } from './corpus';
import { milliseconds } from './timing';
import type { Vectors } from './vectors';

// The pause between two searches. Without it the searches would leave no processor time for the other work.
const betweenMs = 10;

/** The milliseconds of each search. */
export interface Spent {
  readonly hybrid: number[];
  readonly semantic: number[];
}

/** Runs hybrid and semantic searches in turn, while the store does other work. */
export class Searching {
  readonly #agent: MemoryHandle<Ticket>;
  readonly #vectors: Vectors;
  #asked = 0;

  constructor(agent: MemoryHandle<Ticket>, vectors: Vectors) {
    this.#agent = agent;
    this.#vectors = vectors;
  }

  /** Resolves after this many searches. */
  async some(count: number): Promise<void> {
    const last = this.#asked + count;
    while (this.#asked < last) await setTimeout(betweenMs);
  }

  /** The milliseconds of every search until `work` has ended. */
  async during(work: Promise<void>): Promise<Spent> {
    const spent: Spent = { hybrid: [], semantic: [] };
    let isOver = false;
    const ended = work.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await setTimeout(betweenMs);
      const mode = this.#asked % 2 === 0 ? 'hybrid' : 'semantic';
      const { words, vector } = questionOf(this.#vectors, this.#asked++);
      const ask = () => this.#agent.recall(words, { vector, mode, topK: 10 });
      // A search with a vector of the previous space fails if the store moves during the search.
      await milliseconds(ask).then(
        (ms) => spent[mode].push(ms),
        () => undefined,
      );
    }
    await ended;
    return spent;
  }
}
