import type { Metadata } from '../domain/json';
import type { Memory } from '../domain/memory';
import type { ListOptions, MemoryPage } from '../store/memory-handle';
import type { RpcClient } from './rpc-client';

/** Awaited, a page; iterated, everything. Nothing is asked before. */
export class AskedList<T, P> implements PromiseLike<P>, AsyncIterable<T> {
  readonly #page: () => Promise<P>;
  readonly #items: () => AsyncIterator<T>;

  constructor(page: () => Promise<P>, items: () => AsyncIterator<T>) {
    this.#page = page;
    this.#items = items;
  }

  // biome-ignore lint/suspicious/noThenProperty: the public surface promises something that can be awaited and iterated.
  then<A = P, B = never>(
    onPage?: ((page: P) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(onPage, onError);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#items();
  }
}

/** Every memory of every page. The holder is asked about each once more before it is shown: rules may have changed since. */
export async function* memoriesOf<M = Metadata>(
  asker: RpcClient,
  ...given: [options?: ListOptions<M>]
): AsyncGenerator<Memory<M>> {
  let cursor: string | undefined;
  do {
    const question = cursor === undefined ? given : [{ ...given[0], cursor }];
    const { version, page } = await asker.read<{ version: string; page: MemoryPage<M> }>('list.from', question);
    for (const [i, memory] of page.items.entries()) {
      const shown = i === 0 ? memory : await shownNow(asker, memory, version);
      if (shown !== undefined) yield shown;
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function shownNow<M>(asker: RpcClient, memory: Memory<M>, version: string): Promise<Memory<M> | undefined> {
  const { id, state } = memory;
  const answer = await asker.read<true | Memory<M> | undefined>('list.shown', [{ id, state }, version]);
  return answer === true ? memory : answer;
}
