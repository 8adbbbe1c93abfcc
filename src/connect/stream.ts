import { MemoryError } from '../domain/errors';
import type { MemoryChange } from '../domain/memory';
import { newNumber } from './numbers';
import type { RpcClient } from './rpc-client';

interface Next<T> {
  readonly done: boolean;
  readonly value: T;
}

const over: IteratorResult<never> = { done: true, value: undefined };

/** The entries that answer a question about the audit, each asked for when it is wanted. */
export async function* streamOf<T>(asker: RpcClient, kind: 'query' | 'export', question: unknown): AsyncGenerator<T> {
  const stream = newNumber();
  let shown = 0;
  let isOver = false;
  try {
    for (;;) {
      const next = await asker.read<Next<T> | 'lost'>('audit.next', [stream, kind, question, shown]);
      if (next === 'lost') throw lost();
      isOver = next.done;
      if (next.done) return;
      shown++;
      yield next.value;
    }
  } finally {
    if (!isOver) leave(asker, stream);
  }
}

/** What a watch needs. */
export interface Watching {
  readonly asker: RpcClient;
  /** Its scope. */
  readonly options: object;
  /** The cursor where it begins. */
  readonly start: Promise<string>;
  readonly signal: AbortSignal;
}

/** Changes, from one holder to the next: each is asked for with the cursor of the one before. */
export class WatchStream<M> implements AsyncIterator<MemoryChange<M>> {
  readonly #watching: Watching;
  readonly #stream = newNumber();
  readonly #left = new AbortController();
  #last: string | undefined;
  #isOver = false;

  constructor(watching: Watching) {
    this.#watching = watching;
  }

  async next(): Promise<IteratorResult<MemoryChange<M>>> {
    const { signal } = this.#watching;
    if (this.#isOver || signal.aborted) return this.return();
    // Each change listens for the end anew: without this a long watch would gather listeners.
    const answered = new AbortController();
    const ending = new Promise<'ended'>((resolve) => {
      for (const each of [signal, this.#left.signal])
        each.addEventListener('abort', () => resolve('ended'), { once: true, signal: answered.signal });
    });
    try {
      const next = await Promise.race([this.#next(), ending]);
      if (next === 'ended' || next.done) return this.return();
      this.#last = next.value.cursor;
      return { done: false, value: next.value };
    } catch (error) {
      this.#isOver = true;
      throw error;
    } finally {
      answered.abort();
    }
  }

  async return(): Promise<IteratorResult<never>> {
    if (!this.#isOver) leave(this.#watching.asker, this.#stream);
    this.#isOver = true;
    this.#left.abort();
    return over;
  }

  async #next(): Promise<Next<MemoryChange<M>>> {
    const { asker, options, start } = this.#watching;
    const since = this.#last ?? (await start);
    return asker.read('watch.next', [this.#stream, { ...options, since }]);
  }
}

/** Tells the holder that a stream is not read any more. Where that fails, the connection has ended, and the stream with it. */
function leave(asker: RpcClient, stream: number): void {
  if (!asker.link.ended.aborted) void asker.read('leave', [stream]).catch(() => undefined);
}

function lost(): MemoryError {
  const message = 'The process that held the folder has ended, and what it had yet to tell with it: ask anew.';
  return new MemoryError('STORE_UNREACHABLE', message);
}
