import type { VectorIndex, VectorSearch } from './vector-index';

/**
 * The search of a store that can move to another embedding space. The search in the next space is prepared while the current one
 * is in use. It follows the same changes, and takes over in one step.
 */
export class SpaceSearch implements VectorSearch {
  #current: CountedSearch;
  #next: VectorSearch | undefined;
  #leaving: Promise<void> = Promise.resolve();

  constructor(current: VectorSearch) {
    this.#current = new CountedSearch(current);
  }

  get behind(): number {
    return this.#current.search.behind;
  }

  index(): VectorIndex | undefined {
    return this.#current.index();
  }

  applied(changeSeq: number, rows: readonly number[]): void {
    this.#current.search.applied(changeSeq, rows);
    this.#next?.applied(changeSeq, rows);
  }

  /** Like `applied`, for a change of vectors in the next space only. */
  appliedNext(changeSeq: number, rows: readonly number[]): void {
    this.#next?.applied(changeSeq, rows);
  }

  /** Prepares the search in the next space, and waits until it is 'ready' or 'settled'. Replaces one that was prepared before. */
  async prepare(next: VectorSearch, until: 'ready' | 'settled'): Promise<void> {
    await this.abandon();
    this.#next = next;
    next.index();
    await next[until]();
  }

  /** Closes the prepared search, and ends its build. Resolves like `left`. */
  abandon(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#leave(next.close());
    return this.#leaving;
  }

  /** Puts the prepared search, or else one from `make`, in place of the current one. Running searches finish with the old one. */
  switch(make: () => VectorSearch): void {
    const before = this.#current;
    this.#current = new CountedSearch(this.#next ?? make());
    this.#next = undefined;
    this.#current.index();
    this.#leave(before.idle().then(() => before.search.close()));
  }

  /** Resolves when no search uses a replaced or abandoned space any more, and the files of those spaces are closed. */
  left(): Promise<void> {
    return this.#leaving;
  }

  ready(): Promise<void> {
    return this.#current.search.ready();
  }

  settled(): Promise<void> {
    return this.#current.search.settled();
  }

  check(): Promise<readonly string[]> {
    return this.#current.search.check();
  }

  rebuild(): Promise<void> {
    return this.#current.search.rebuild();
  }

  async close(): Promise<void> {
    await Promise.all([this.#leaving, this.#current.search.close(), this.#next?.close()]);
  }

  #leave(closed: Promise<void>): void {
    this.#leaving = Promise.all([this.#leaving, closed]).then(() => undefined);
  }
}

/** Counts the running searches, to know when none is left. */
class CountedSearch {
  readonly search: VectorSearch;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(search: VectorSearch) {
    this.search = search;
  }

  index(): VectorIndex | undefined {
    const index = this.search.index();
    if (index === undefined) return undefined;
    return {
      dimensions: index.dimensions,
      refresh: (rows) => index.refresh(rows),
      close: () => index.close(),
      search: (query, visible, limit) => this.#count(() => index.search(query, visible, limit)),
    };
  }

  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async #count<T>(run: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await run();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }
}
