import { MemoryError } from '../domain/errors';
import type { Memory, MemoryChange } from '../domain/memory';
import type { ExportLine } from '../domain/subject-export';
import type { ListOptions } from '../store/memory-handle';
import type { StreamItem } from './operations';
import { newStreamNumber, type RpcClient } from './rpc-client';

/** A list that returns its first page if you await it, and all items if you iterate it. Until then it calls nothing. */
export class RemoteList<T, Page> implements PromiseLike<Page>, AsyncIterable<T> {
  readonly #firstPage: () => Promise<Page>;
  readonly #items: () => AsyncIterator<T>;

  constructor(firstPage: () => Promise<Page>, items: () => AsyncIterator<T>) {
    this.#firstPage = firstPage;
    this.#items = items;
  }

  // biome-ignore lint/suspicious/noThenProperty: the interface of a handle promises a list that can be awaited and iterated.
  then<A = Page, B = never>(
    onPage?: ((page: Page) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#firstPage().then(onPage, onError);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#items();
  }
}

/**
 * Iterates over the memories on all pages. Every memory except the first on a page is checked again before it is yielded, because rules
 * and memories may have changed after the page was read.
 */
export async function* listedMemories(rpc: RpcClient, ...given: [options?: ListOptions]): AsyncGenerator<Memory> {
  let cursor: string | undefined;
  do {
    const args: [options?: ListOptions] = cursor === undefined ? given : [{ ...given[0], cursor }];
    const { version, page } = await rpc.read('list.page', ...args);
    for (const [i, memory] of page.items.entries()) {
      const current = i === 0 ? memory : await currentMemory(rpc, memory, version);
      if (current !== undefined) yield current;
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function currentMemory(rpc: RpcClient, memory: Memory, version: string): Promise<Memory | undefined> {
  const { id, state, trust } = memory;
  const answer = await rpc.read('list.current', { id, state, trust }, version);
  return answer === true ? memory : answer;
}

/** Iterates over the entries of an audit query or export. Each entry is requested only when it is needed. */
export function auditEntries<T>(
  rpc: RpcClient,
  method: 'query' | 'export',
  query: object | undefined,
): AsyncGenerator<T> {
  return streamed(
    rpc,
    (stream, delivered) => rpc.read('audit.next', stream, method, query, delivered) as Promise<StreamItem<T> | 'lost'>,
  );
}

/** Iterates over the lines of an export. Each line is requested only when it is needed. */
export function exportLines(
  rpc: RpcClient,
  subject: { userId: string },
  options: object | undefined,
): AsyncGenerator<ExportLine> {
  return streamed(rpc, (stream, delivered) => rpc.read('exportSubject.next', stream, subject, options, delivered));
}

async function* streamed<T>(
  rpc: RpcClient,
  nextOf: (stream: number, delivered: number) => Promise<StreamItem<T> | 'lost'>,
): AsyncGenerator<T> {
  const stream = newStreamNumber();
  let delivered = 0;
  let isDone = false;
  try {
    for (;;) {
      const next = await nextOf(stream, delivered);
      if (next === 'lost') throw iterationLost();
      isDone = next.done;
      if (next.done) return;
      delivered++;
      yield next.value;
    }
  } finally {
    if (!isDone) closeStream(rpc, stream);
  }
}

export interface WatchDeps {
  readonly rpc: RpcClient;
  /** The options of the watch, without `since` and `signal`. */
  readonly options: object;
  /** The cursor after which the watch starts. */
  readonly start: Promise<string>;
  readonly signal: AbortSignal;
}

const doneResult: IteratorResult<never> = { done: true, value: undefined };

/** Iterates over changes. Each request contains the cursor of the last change, so the watch continues if another process takes over. */
export class WatchIterator implements AsyncIterator<MemoryChange> {
  readonly #deps: WatchDeps;
  readonly #stream = newStreamNumber();
  readonly #returned = new AbortController();
  #lastCursor: string | undefined;
  #isDone = false;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  async next(): Promise<IteratorResult<MemoryChange>> {
    const { signal } = this.#deps;
    if (this.#isDone || signal.aborted) return this.return();
    // Aborted after each answer to remove its listeners. Otherwise they would add up in a long watch.
    const answered = new AbortController();
    const aborted = new Promise<'aborted'>((resolve) => {
      for (const each of [signal, this.#returned.signal])
        each.addEventListener('abort', () => resolve('aborted'), { once: true, signal: answered.signal });
    });
    try {
      const next = await Promise.race([this.#next(), aborted]);
      if (next === 'aborted' || next.done) return this.return();
      this.#lastCursor = next.value.cursor;
      return { done: false, value: next.value };
    } catch (error) {
      this.#isDone = true;
      throw error;
    } finally {
      answered.abort();
    }
  }

  async return(): Promise<IteratorResult<never>> {
    if (!this.#isDone) closeStream(this.#deps.rpc, this.#stream);
    this.#isDone = true;
    this.#returned.abort();
    return doneResult;
  }

  async #next(): Promise<StreamItem<MemoryChange>> {
    const { rpc, options, start } = this.#deps;
    const since = this.#lastCursor ?? (await start);
    return rpc.read('watch.next', this.#stream, { ...options, since });
  }
}

/** Closes a stream in the serving process. Errors are ignored, because the stream ends with its connection anyway. */
function closeStream(rpc: RpcClient, stream: number): void {
  if (!rpc.client.closed.aborted) void rpc.read('stream.close', stream).catch(() => undefined);
}

function iterationLost(): MemoryError {
  return new MemoryError(
    'STORE_UNREACHABLE',
    'The serving process exited during the iteration. Restart the iteration.',
  );
}
