/** How a list that is iterated keeps up with changes. */
export interface ItemRefresh<T> {
  /** A text that differs whenever something changed that an item may depend on. */
  version(): string;
  /** An item as it is now. Undefined if it may no longer be shown. */
  refresh(item: T): T | undefined;
}

/** A query that gives its first page when it is awaited, and all items of all pages when it is iterated. It reads nothing before. */
export class ListQuery<T, Page extends { items: T[]; nextCursor?: string }>
  implements PromiseLike<Page>, AsyncIterable<T>
{
  readonly #page: (cursor: string | undefined) => Promise<Page>;
  readonly #items: ItemRefresh<T>;

  /** @param page Reads the page after a cursor, or the first page without one. */
  constructor(page: (cursor: string | undefined) => Promise<Page>, items: ItemRefresh<T>) {
    this.#page = page;
    this.#items = items;
  }

  // biome-ignore lint/suspicious/noThenProperty: the public surface promises something that can be awaited and iterated.
  then<A = Page, B = never>(
    onPage?: ((page: Page) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page(undefined).then(onPage, onError);
  }

  /** Items are read a page at a time. If something changed since, an item is checked again before it is yielded. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    let cursor: string | undefined;
    do {
      const version = this.#items.version();
      const { items, nextCursor } = await this.#page(cursor);
      for (const item of items) {
        const current = this.#items.version() === version ? item : this.#items.refresh(item);
        if (current !== undefined) yield current;
      }
      cursor = nextCursor;
    } while (cursor !== undefined);
  }
}
