import type { VectorIndex } from './vector-index';
import type { VectorSearch } from './vector-search';

/**
 * The search of a store that may move from one embedding space to another: the search in the next space is made ready beside the
 * one in use, follows the same changes, and takes its place in one step.
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

  applied(entry: number, rows: readonly number[]): void {
    this.#current.search.applied(entry, rows);
    this.#next?.applied(entry, rows);
  }

  /** As `applied`, of vectors in the next space alone. */
  appliedNext(entry: number, rows: readonly number[]): void {
    this.#next?.applied(entry, rows);
  }

  /** Takes a search in the next space, and waits until it is fit to take over. */
  async prepare(next: VectorSearch, until: 'ready' | 'settled'): Promise<void> {
    await this.abandon();
    this.#next = next;
    next.index();
    await next[until]();
  }

  /** Gives up what was prepared: a build that runs ends soon. */
  abandon(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#leaves(next.close());
    return this.#leaving;
  }

  /** From now on the search that was prepared is the one in use, or else one that is made. Those under way end with the one before. */
  switch(make: () => VectorSearch): void {
    const before = this.#current;
    this.#current = new CountedSearch(this.#next ?? make());
    this.#next = undefined;
    this.#current.index();
    this.#leaves(before.idle().then(() => before.search.close()));
  }

  /** Resolves when nothing searches in a space before, or one that was given up, any more, and its files are closed. */
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

  #leaves(closed: Promise<void>): void {
    this.#leaving = Promise.all([this.#leaving, closed]).then(() => undefined);
  }
}

/** Knows when nobody searches any more. */
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
