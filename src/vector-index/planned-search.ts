import type { MemoryError } from '../domain/errors';
import { ExactIndex } from './exact-index';
import { Indexer } from './indexer';
import type {
  LoadedVectors,
  ScanningIndex,
  ScanTarget,
  VectorCandidate,
  VectorSearch,
  VectorSource,
  VisibleRows,
} from './vector-index';

export interface PlannedSearchOptions {
  /** Returns the embedding space of the store, or undefined while the store has no vectors. */
  space(): { readonly model: string; readonly dimensions: number } | undefined;
  readonly source: VectorSource;
  /** Identifies the store, so that an index of another store is not used. */
  readonly storeId: string;
  /** The limit of memory for vectors, in bytes. */
  readonly memoryBytes: number;
  /** If at most this many rows are visible, a search is exact. */
  readonly exactUpTo: number;
  /** Returns the absolute path of the folder for the approximate index, or undefined for a store that always searches exactly. */
  folder(): string | undefined;
  /** Whether only the user of this process may read the index. If false, it gets the permissions of the folder that contains it. */
  readonly isPrivate?: boolean;
  /** Returns a name for an index that was never used before. */
  newId(): string;
  onIndexed(changeSeq: number): void;
  /** Called when more than `exactUpTo` changes are not in the approximate index. Called again only after the index has caught up. */
  onLagging(behind: number): void;
  onDegraded(error: MemoryError): void;
}

// Scanning this many vectors takes about 20 ms, which is as long as one turn of the event loop may take.
const maxScannedRows = 2_000_000;

/**
 * Chooses an index for each search by the number of visible vectors. Up to `exactUpTo` vectors are scanned exactly, from memory. Above that
 * number, they are scanned in memory if all vectors of the store are there, and then first by their signs. Otherwise the approximate index
 * is used, plus an exact scan of the rows that are not indexed yet. A store that stays small never gets an approximate index.
 */
export class PlannedSearch implements VectorSearch, ScanningIndex {
  readonly #options: PlannedSearchOptions;
  #exact: ExactIndex | undefined;
  #indexer: Indexer | undefined;
  #starting: Promise<void> | undefined;
  #warming: Promise<unknown> | undefined;
  #isLagging = false;

  constructor(options: PlannedSearchOptions) {
    this.#options = options;
  }

  get dimensions(): number {
    return this.#options.space()?.dimensions ?? 0;
  }

  get behind(): number {
    return this.#indexer?.behind ?? 0;
  }

  get bytes(): number {
    return this.#exact?.bytes ?? 0;
  }

  /** Starts to open the index on disk, and does not wait for it. Does nothing while the store has no vectors. */
  start(): void {
    const space = this.#options.space();
    if (space === undefined || this.#exact !== undefined) return;
    const { source, memoryBytes, exactUpTo, newId, onDegraded, storeId, isPrivate } = this.#options;
    const folder = this.#options.folder();
    const { dimensions, model } = space;
    const exact = new ExactIndex({ dimensions, memoryBytes, exactUpTo, source });
    this.#exact = exact;
    if (folder === undefined) return;
    this.#indexer = new Indexer({
      dimensions,
      space: `${model} ${storeId}`,
      source,
      folder,
      isPrivate,
      exact,
      exactUpTo,
      newId,
      onIndexed: (changeSeq) => this.#indexed(changeSeq),
      onDegraded,
    });
    this.#starting = this.#indexer.start();
    // Reads vectors in advance, because otherwise each of the first exact searches would read the vectors of its own rows.
    this.#warm(exact);
  }

  #warm(exact: ExactIndex): void {
    this.#warming = Promise.all([this.#warming, this.#starting])
      .then(() => exact.warm(this.#options.source.rows(), 'with pauses'))
      .catch(() => undefined);
  }

  index(): ScanningIndex | undefined {
    this.start();
    return this.#exact && this;
  }

  async search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]> {
    const exact = this.#exact as ExactIndex;
    if (this.#indexer === undefined || visible.count <= this.#options.exactUpTo)
      return exact.search(query, visible, limit);
    // Opening the approximate index takes less time than reading all vectors for an exact search.
    await this.#starting;
    return this.#indexer.search(query, visible, limit);
  }

  async load(query: Float32Array, rows: Uint32Array, attempt?: number): Promise<LoadedVectors | undefined> {
    const exact = this.#exact as ExactIndex;
    const isInMemory = exact.hasReadAll && rows.length <= maxScannedRows;
    if (this.#indexer === undefined || rows.length <= this.#options.exactUpTo || isInMemory)
      return exact.load(query, rows, attempt);
    if (exact.canReadMore) this.#warm(exact);
    return undefined;
  }

  scan(query: Float32Array, rows: VisibleRows, loaded: LoadedVectors, target: ScanTarget): boolean {
    return (this.#exact as ExactIndex).scan(query, rows, loaded, target);
  }

  async refresh(rows: ArrayLike<number>): Promise<void> {
    await this.#exact?.refresh(rows);
  }

  applied(changeSeq: number, rows: readonly number[]): void {
    if (this.#indexer !== undefined) this.#follow(this.#indexer, changeSeq, rows);
    else if (this.#exact !== undefined) void this.#exact.refresh(rows);
    else this.start();
  }

  async ready(): Promise<void> {
    await this.#starting;
    if (this.#indexer?.lacksIndex) await this.#indexer.settled();
  }

  async settled(): Promise<void> {
    await this.#indexer?.settled();
    // A caller that waits for this wants the fastest searches.
    if (this.#indexer !== undefined) await this.#exact?.warm(this.#options.source.rows(), 'at once');
  }

  async check(): Promise<readonly string[]> {
    return (await this.#indexer?.check()) ?? [];
  }

  async rebuild(): Promise<void> {
    await this.#indexer?.rebuild();
  }

  async purge(): Promise<void> {
    this.start();
    await this.#indexer?.purge();
  }

  async close(): Promise<void> {
    await this.#indexer?.close();
    await this.#exact?.close();
    await this.#warming;
  }

  #follow(indexer: Indexer, changeSeq: number, rows: readonly number[]): void {
    indexer.applied(changeSeq, rows);
    if (this.#isLagging || indexer.behind <= this.#options.exactUpTo) return;
    this.#isLagging = true;
    this.#options.onLagging(indexer.behind);
  }

  #indexed(changeSeq: number): void {
    this.#isLagging = false;
    this.#options.onIndexed(changeSeq);
  }
}

/**
 * The vector search of a store, which can switch to another embedding space. The search in the next space is prepared while the
 * current space is in use. It follows the same changes, and replaces the current search in one step.
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

  get bytes(): number {
    return this.#current.search.bytes + (this.#next?.bytes ?? 0);
  }

  index(): ScanningIndex | undefined {
    return this.#current.index();
  }

  applied(changeSeq: number, rows: readonly number[]): void {
    this.#current.search.applied(changeSeq, rows);
    this.#next?.applied(changeSeq, rows);
  }

  /** Does the same as `applied` for a change that affects vectors only in the next space. */
  appliedNext(changeSeq: number, rows: readonly number[]): void {
    this.#next?.applied(changeSeq, rows);
  }

  /** Prepares the search in the next space, and waits until it is 'ready' or 'settled'. Replaces a search that was prepared before. */
  async prepare(next: VectorSearch, until: 'ready' | 'settled'): Promise<void> {
    await this.abandon();
    this.#next = next;
    next.index();
    await next[until]();
  }

  /** Closes the prepared search and aborts its build. Resolves at the same time as `left`. */
  abandon(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#leave(next.close());
    return this.#leaving;
  }

  /**
   * Replaces the current search by the prepared one, or by one from `make` if none is prepared. Running searches finish with the old
   * search.
   */
  switch(make: () => VectorSearch): void {
    const before = this.#current;
    this.#current = new CountedSearch(this.#next ?? make());
    this.#next = undefined;
    this.#current.index();
    this.#leave(before.idle().then(() => before.search.close()));
  }

  /** Resolves when no search uses a replaced or abandoned space any more, and the files of these spaces are closed. */
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

  async purge(): Promise<void> {
    await this.#current.search.purge();
    await this.#next?.purge();
  }

  async close(): Promise<void> {
    await Promise.all([this.#leaving, this.#current.search.close(), this.#next?.close()]);
  }

  #leave(closed: Promise<void>): void {
    this.#leaving = Promise.all([this.#leaving, closed]).then(() => undefined);
  }
}

/** Counts the running searches, to know when all have ended. */
class CountedSearch {
  readonly search: VectorSearch;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(search: VectorSearch) {
    this.search = search;
  }

  index(): ScanningIndex | undefined {
    const index = this.search.index();
    if (index === undefined) return undefined;
    return {
      dimensions: index.dimensions,
      refresh: (rows) => index.refresh(rows),
      close: () => index.close(),
      search: (query, visible, limit) => this.#count(() => index.search(query, visible, limit)),
      load: (query, rows, attempt) => this.#count(() => index.load(query, rows, attempt)),
      scan: (query, rows, loaded, target) => index.scan(query, rows, loaded, target),
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
