/** How a list goes on that is iterated while others write. */
export interface Following<T> {
  /** Another text whenever something changed that an item may depend on. */
  version(): string;
  /** An item as it may be shown now; undefined where it may not. */
  current(item: T): T | undefined;
}

/** Awaited, the first page; iterated, every item of every page. Nothing is read before. */
export class ListQuery<T, Page extends { items: T[]; nextCursor?: string }>
  implements PromiseLike<Page>, AsyncIterable<T>
{
  readonly #page: (cursor: string | undefined) => Promise<Page>;
  readonly #following: Following<T>;

  /** @param page Reads the page after a cursor; the first where there is none. */
  constructor(page: (cursor: string | undefined) => Promise<Page>, following: Following<T>) {
    this.#page = page;
    this.#following = following;
  }

  // biome-ignore lint/suspicious/noThenProperty: the public surface promises something that can be awaited and iterated.
  then<A = Page, B = never>(
    onPage?: ((page: Page) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page(undefined).then(onPage, onError);
  }

  /** What was read with a page is looked at again before it is shown, once something has changed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    let cursor: string | undefined;
    do {
      const version = this.#following.version();
      const { items, nextCursor } = await this.#page(cursor);
      for (const item of items) {
        const shown = this.#following.version() === version ? item : this.#following.current(item);
        if (shown !== undefined) yield shown;
      }
      cursor = nextCursor;
    } while (cursor !== undefined);
  }
}
