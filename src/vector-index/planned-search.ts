import type { MemoryError } from '../domain/errors';
import { type ExactIndex, exactIndex } from './exact-index';
import { Indexer } from './indexer';
import type { VectorCandidate, VectorIndex, VectorSource, VisibleRows } from './vector-index';
import type { VectorSearch } from './vector-search';

export interface PlannedSearchOptions {
  /** The store's embedding space; undefined while it has no vectors. */
  space(): { readonly model: string; readonly dimensions: number } | undefined;
  readonly source: VectorSource;
  /** Tells this store from every other: an index of another one is of no use here. */
  readonly storeId: string;
  /** Bound of the vectors kept in memory. */
  readonly memoryBytes: number;
  /** Up to so many visible rows are searched exactly. */
  readonly exactUpTo: number;
  /** Absolute; where an approximate index of the space may be kept. Without it every search is exact. */
  folder(): string | undefined;
  /** A name for an index that was never used before. */
  newId(): string;
  onIndexed(entry: number): void;
  /** The approximate index has fallen further behind than is searched exactly without effort. Told once, until it has followed. */
  onLagging(behind: number): void;
  onDegraded(error: MemoryError): void;
}

/**
 * Plans each search by the number of visible vectors: few are searched exactly, from memory; many by the approximate index, and
 * exactly among what that does not have yet. The approximate index begins when a store outgrows exact search.
 */
export class PlannedSearch implements VectorSearch, VectorIndex {
  readonly #options: PlannedSearchOptions;
  #exact: ExactIndex | undefined;
  #indexer: Indexer | undefined;
  #starting: Promise<void> | undefined;
  #warming: Promise<void> | undefined;
  #isLagging = false;

  constructor(options: PlannedSearchOptions) {
    this.#options = options;
  }

  get dimensions(): number {
    return this.#options.space()?.dimensions ?? 0;
  }

  get behind(): number {
    return this.#indexer?.lag ?? 0;
  }

  /** Begins with what there is, without waiting for it. */
  start(): void {
    const space = this.#options.space();
    if (space === undefined || this.#exact !== undefined) return;
    const { source, memoryBytes, exactUpTo, newId, onDegraded, storeId } = this.#options;
    const folder = this.#options.folder();
    const { dimensions, model } = space;
    const onIndexed = (entry: number) => this.#indexed(entry);
    const exact = exactIndex({ dimensions, memoryBytes, source });
    this.#exact = exact;
    if (folder === undefined) return;
    this.#indexer = new Indexer({
      dimensions,
      space: `${model} ${storeId}`,
      source,
      folder,
      exact,
      exactUpTo,
      newId,
      onIndexed,
      onDegraded,
    });
    this.#starting = this.#indexer.start();
    // The first exact searches would else read the vectors of all their rows, one search in front of the other.
    this.#warming = this.#starting.then(() => exact.warm(source.rows(), 'with pauses')).catch(() => undefined);
  }

  index(): VectorIndex | undefined {
    this.start();
    return this.#exact && this;
  }

  async search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]> {
    const exact = this.#exact as ExactIndex;
    if (this.#indexer === undefined || visible.count <= this.#options.exactUpTo)
      return exact.search(query, visible, limit);
    // Opening the approximate index takes less than reading all vectors for an exact search.
    await this.#starting;
    return this.#indexer.search(query, visible, limit);
  }

  async refresh(rows: ArrayLike<number>): Promise<void> {
    await this.#exact?.refresh(rows);
  }

  applied(entry: number, rows: readonly number[]): void {
    if (this.#indexer !== undefined) this.#follow(this.#indexer, entry, rows);
    else if (this.#exact !== undefined) void this.#exact.refresh(rows);
    else this.start();
  }

  async ready(): Promise<void> {
    await this.#starting;
    if (this.#indexer?.isWanting) await this.#indexer.settled();
  }

  async settled(): Promise<void> {
    await this.#indexer?.settled();
    // Who waits for this wants searches to be as fast as they get.
    if (this.#indexer !== undefined) await this.#exact?.warm(this.#options.source.rows(), 'at once');
  }

  async check(): Promise<readonly string[]> {
    return (await this.#indexer?.check()) ?? [];
  }

  async rebuild(): Promise<void> {
    await this.#indexer?.rebuild();
  }

  #follow(indexer: Indexer, entry: number, rows: readonly number[]): void {
    indexer.applied(entry, rows);
    if (this.#isLagging || indexer.lag <= this.#options.exactUpTo) return;
    this.#isLagging = true;
    this.#options.onLagging(indexer.lag);
  }

  #indexed(entry: number): void {
    this.#isLagging = false;
    this.#options.onIndexed(entry);
  }

  async close(): Promise<void> {
    await this.#indexer?.close();
    await this.#exact?.close();
    await this.#warming;
  }
}
