import type { Memory } from '../domain/memory';
import type { Page } from './memory-handle';

/** Awaited, the first page; iterated, every item of every page. Nothing is read before. */
export class ListQuery<M> implements PromiseLike<Page<M>>, AsyncIterable<Memory<M>> {
  readonly #page: (cursor: string | undefined) => Promise<Page<M>>;

  /** @param page Reads the page after a cursor; the first where there is none. */
  constructor(page: (cursor: string | undefined) => Promise<Page<M>>) {
    this.#page = page;
  }

  // biome-ignore lint/suspicious/noThenProperty: the public surface promises something that can be awaited and iterated.
  then<A = Page<M>, B = never>(
    onPage?: ((page: Page<M>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page(undefined).then(onPage, onError);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Memory<M>> {
    let cursor: string | undefined;
    do {
      const { items, nextCursor } = await this.#page(cursor);
      yield* items;
      cursor = nextCursor;
    } while (cursor !== undefined);
  }
}
