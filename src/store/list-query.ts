/** Lets the iteration of a list notice changes. */
export interface ItemRefresh<T> {
  /** Returns a text that differs whenever something has changed that an item may depend on. */
  version(): string;
  /** Reads the current state of an item. Undefined if the item may not be shown any more. */
  refresh(item: T): T | undefined;
  /** Resolves when all writes that `refresh` may have seen are on disk. Undefined if they are now. */
  settled(): Promise<void> | undefined;
}

/**
 * Reads the current state of an item, and waits until it is on disk. Undefined if the item may not be shown any more, now or after the
 * wait.
 */
export async function settledItem<T>(item: T, { version, refresh, settled }: ItemRefresh<T>): Promise<T | undefined> {
  const read = version();
  const current = refresh(item);
  const durable = settled();
  if (durable === undefined) return current;
  await durable;
  return version() === read || refresh(item) !== undefined ? current : undefined;
}

/** A query that returns its first page if you await it, and all items of all pages if you iterate it. Until then it reads nothing. */
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

  /** Reads one page at a time. If something changed after a page was read, each of its items is read again before it is yielded. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    let cursor: string | undefined;
    do {
      const version = this.#items.version();
      const { items, nextCursor } = await this.#page(cursor);
      for (const item of items) {
        const current = this.#items.version() === version ? item : await settledItem(item, this.#items);
        if (current !== undefined) yield current;
      }
      cursor = nextCursor;
    } while (cursor !== undefined);
  }
}
