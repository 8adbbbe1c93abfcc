import { MemoryError } from '../domain/errors';
import { messageOf } from '../domain/realms';
import { BuilderFailed } from './build-process';
import { byEstimate, ExactIndex } from './exact-index';
import { type Generation, Generations, type GenerationsOptions } from './generations';
import { IndexDamaged } from './lance-index';
import { LanceUnavailable } from './lance-library';
import type { VectorCandidate, VectorIndex, VectorSource, VisibleRows } from './vector-index';

export interface IndexerOptions extends GenerationsOptions {
  /**
   * Answers small searches, and all searches while there is no approximate index. The indexer refreshes this index but does not
   * close it.
   */
  readonly exact: ExactIndex;
  /** If at most this many rows are visible, a search is exact. A store with no more rows never loads LanceDB. Default 20,000. */
  readonly exactUpTo?: number;
  /** Called when the approximate index contains every change up to `changeSeq`. While the store needs no index, called for every change. */
  readonly onIndexed?: (changeSeq: number) => void;
  /** Called when the approximate index is damaged, unavailable, or could not be built. Searches then stay correct but are slower. */
  readonly onDegraded?: (error: MemoryError) => void;
}

/**
 * Keeps an approximate index of the stored vectors, and builds it in the background. The rows that changed after the index was built
 * are the tail. Every search also scans the tail exactly, so it finds every change that was applied before the search.
 */
export class Indexer implements VectorIndex {
  readonly dimensions: number;
  readonly #source: VectorSource;
  readonly #exact: ExactIndex;
  readonly #exactUpTo: number;
  readonly #policy: BuildPolicy;
  readonly #generations: Generations;
  readonly #onIndexed: (changeSeq: number) => void;
  readonly #onDegraded: (error: MemoryError) => void;
  readonly #stop = new AbortController();
  #changeSeq = 0;
  #current: Generation | undefined;
  #tail = new Set<number>();
  /** Searches the tail. This index has its own memory: if the memory of `#exact` is full, a search need not read the whole tail again. */
  #tailIndex: ExactIndex;
  #changedWhileBuilding = new Set<number>();
  #building: Promise<MemoryError | undefined> | undefined;
  #starting: Promise<void> | undefined;
  #isStarted = false;
  #isUnavailable = false;

  constructor(options: IndexerOptions) {
    this.dimensions = options.dimensions;
    this.#source = options.source;
    this.#exact = options.exact;
    this.#exactUpTo = options.exactUpTo ?? 20_000;
    this.#policy = new BuildPolicy(this.#exactUpTo, () => options.source.rows().length);
    this.#generations = new Generations(options);
    this.#onIndexed = options.onIndexed ?? (() => undefined);
    this.#onDegraded = options.onDegraded ?? (() => undefined);
    this.#tailIndex = this.#newTailIndex();
  }

  /** Opens the approximate index if the store needs one. If there is none or it is damaged, starts to build one without waiting for it. */
  start(): Promise<void> {
    this.#starting ??= this.#open().then(() => {
      this.#isStarted = true;
      this.#buildIfDue();
    });
    return this.#starting;
  }

  /**
   * Tells the indexer about one change and the rows whose vectors it changed. Call it in the same turn of the event loop in which
   * the change was committed.
   */
  applied(changeSeq: number, rows: ArrayLike<number>): void {
    this.#changeSeq = changeSeq;
    void this.#exact.refresh(rows);
    void this.#tailIndex.refresh(rows);
    for (let i = 0; i < rows.length; i++) {
      if (this.#current !== undefined) this.#tail.add(rows[i] as number);
      if (this.#building !== undefined) this.#changedWhileBuilding.add(rows[i] as number);
    }
    this.#policy.changed(rows.length);
    this.#buildIfDue();
    if (!this.#needsIndex) this.#onIndexed(changeSeq);
  }

  /** Does the same as `applied` for the latest change. */
  async refresh(rows: ArrayLike<number>): Promise<void> {
    this.applied(this.#source.lastChangeSeq(), rows);
  }

  /** Whether an approximate index is in use. Without one, every search is exact. */
  get hasIndex(): boolean {
    return this.#current !== undefined;
  }

  /** Whether the store needs an approximate index and has none. */
  get lacksIndex(): boolean {
    return this.#current === undefined && this.#needsIndex;
  }

  /** The number of changes that are not in the approximate index. 0 if the store needs no index. */
  get behind(): number {
    if (this.#current === undefined) return this.#needsIndex ? this.#changeSeq : 0;
    return this.#tail.size === 0 ? 0 : this.#changeSeq - this.#current.manifest.indexedThrough;
  }

  /** The rows that changed after the approximate index was built. */
  get tail(): ReadonlySet<number> {
    return this.#tail;
  }

  async search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]> {
    for (;;) {
      const current = this.#current;
      if (current === undefined || visible.count <= this.#exactUpTo) return this.#exact.search(query, visible, limit);
      try {
        const isStale = (row: number) => this.#tail.has(row);
        const indexed = await current.index.search({ query, visible, limit, isStale });
        // The index was replaced during the search, so the result and the new tail do not fit together. Searches again.
        if (current !== this.#current) continue;
        // Starts in the same turn of the event loop in which stale rows were left out. So each row is in exactly one of the two
        // results.
        const changed = await this.#tailIndex.search(query, intersection(this.#tail, visible), limit);
        return [...indexed, ...changed].sort(byEstimate).slice(0, limit);
      } catch (error) {
        if (!(error instanceof IndexDamaged)) throw error;
        this.#drop(current, error);
      }
    }
  }

  /**
   * Resolves when no build runs and a further build would not make searches noticeably faster: scanning the remaining tail takes at
   * most 0.2 ms. Also resolves if a build fails; `onDegraded` reports that.
   */
  async settled(): Promise<void> {
    await this.#starting;
    this.#policy.count();
    while (!this.#stop.signal.aborted) {
      const isWorthwhile =
        !this.#isUnavailable && this.#policy.isWorthwhile(this.#current?.index.size, this.#tail.size);
      if (this.#building === undefined && !isWorthwhile) return;
      if ((await this.#build()) !== undefined) return;
    }
  }

  /** Builds a new approximate index if the store needs one. Rejects if that fails. */
  async rebuild(): Promise<void> {
    await this.#starting;
    await this.#building;
    this.#policy.count();
    const error = this.#needsIndex ? await this.#build() : undefined;
    if (error !== undefined) throw error;
  }

  /**
   * Builds the approximate index again without the vectors that the store does not contain any more. If the store needs none, or none can be
   * built, removes the files of an earlier one. Rejects if the index in use cannot be built again.
   */
  async purge(): Promise<void> {
    await this.#starting;
    await this.#building;
    this.#policy.count();
    const error = this.#needsIndex ? await this.#build() : undefined;
    if (this.#current === undefined) await this.#generations.remove();
    else if (error !== undefined) throw error;
  }

  /** Reads every file of the approximate index and describes each problem in one sentence. Drops a damaged index and builds a new one. */
  async check(): Promise<string[]> {
    await this.#starting;
    for (;;) {
      const current = this.#current;
      if (current === undefined) return [];
      const problems = await this.#generations.problems(current);
      // The index was replaced and its files were removed during the check, which is not damage. Checks the new one.
      if (current !== this.#current) continue;
      if (problems.length > 0) this.#drop(current, new IndexDamaged(problems.join(' ')));
      return problems;
    }
  }

  /** Aborts a running build, whose work is lost. The earlier index stays on disk. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#starting;
    await this.#building;
    await this.#current?.index.close();
  }

  get #needsIndex(): boolean {
    return this.#current !== undefined || this.#policy.isLarge;
  }

  async #open(): Promise<void> {
    this.#changeSeq = this.#source.lastChangeSeq();
    this.#policy.count();
    if (!this.#needsIndex) return;
    const opened = await this.#generations.open();
    if (opened.kind === 'open') {
      const { generation } = opened;
      this.#adopt(generation, new Set(this.#source.rowsChangedSince(generation.manifest.indexedThrough)));
    } else if (opened.kind === 'unavailable') {
      this.#report(opened.error);
    } else if (opened.kind === 'damaged') {
      this.#report(new IndexDamaged(opened.problems.join(' ')));
    }
    await this.#generations.tidy();
  }

  #buildIfDue(): void {
    if (!this.#isStarted || this.#stop.signal.aborted || this.#building !== undefined || this.#isUnavailable) return;
    if (this.#policy.isDue(this.#current?.index.size, this.#tail.size)) void this.#build();
  }

  /** Starts a build, or joins the one that runs. Resolves with the error if the build fails, and never rejects. */
  #build(): Promise<MemoryError | undefined> {
    if (this.#building === undefined) {
      this.#changedWhileBuilding = new Set();
      this.#building = this.#buildOnce().finally(() => {
        this.#building = undefined;
        this.#buildIfDue();
      });
    }
    return this.#building;
  }

  async #buildOnce(): Promise<MemoryError | undefined> {
    try {
      const built = await this.#generations.build(this.#stop.signal);
      const previous = this.#current;
      this.#adopt(built, this.#changedWhileBuilding);
      await previous?.index.close();
      await this.#generations.tidy();
      return undefined;
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined;
      this.#policy.failed();
      return this.#report(error);
    }
  }

  #adopt(generation: Generation, tail: Set<number>): void {
    this.#current = generation;
    this.#tail = tail;
    this.#tailIndex = this.#newTailIndex();
    this.#isUnavailable = false;
    this.#onIndexed(generation.manifest.indexedThrough);
  }

  #drop(generation: Generation, cause: IndexDamaged): void {
    if (this.#current !== generation) return;
    this.#current = undefined;
    this.#tail = new Set();
    this.#policy.count();
    void generation.index.close();
    this.#report(cause);
    this.#buildIfDue();
    this.#policy.failed();
  }

  /**
   * Reports a failure through `onDegraded`. If LanceDB cannot be loaded, reports that only once; no index is then built in the
   * background.
   */
  #report(cause: unknown): MemoryError {
    const error = degradation(cause);
    const isUnavailable = cause instanceof LanceUnavailable;
    if (!isUnavailable || !this.#isUnavailable) this.#onDegraded(error);
    this.#isUnavailable = isUnavailable;
    return error;
  }

  #newTailIndex(): ExactIndex {
    const { dimensions } = this;
    return new ExactIndex({ dimensions, memoryBytes: Number.POSITIVE_INFINITY, source: this.#source });
  }
}

// Scanning the tail takes about a microsecond for 15 rows, and two processors build an index of 100,000 rows in 5 s. A tail of a
// quarter of the indexed rows costs a search one or two milliseconds. A growing store then builds indexes of five times its size in
// total. Merging new rows into an old index would not be cheaper, because LanceDB rewrites the data and the index as a whole.
const tailPerIndexed = 1 / 4;
// If the tail is smaller than this share of `exactUpTo`, a caller does not wait for a build, and rows are not counted again.
const smallTailPerExact = 1 / 10;
// After a failure or a repair, the next build starts only after this many rows have changed. A permanent failure thus causes no
// endless loop.
const changesBeforeRetry = 1000;

/** Decides when to build an approximate index. */
class BuildPolicy {
  readonly #exactUpTo: number;
  readonly #countRows: () => number;
  #rowCount = 0;
  #changesSinceCount = 0;
  #changesSinceFailure = changesBeforeRetry;

  /** `countRows` counts the rows that have vectors. It may take time in proportion to their number, so it is called seldom. */
  constructor(exactUpTo: number, countRows: () => number) {
    this.#exactUpTo = exactUpTo;
    this.#countRows = countRows;
  }

  /** Whether the store had too many rows for exact search when rows were last counted. */
  get isLarge(): boolean {
    return this.#rowCount > this.#exactUpTo;
  }

  count(): void {
    this.#rowCount = this.#countRows();
    this.#changesSinceCount = 0;
  }

  changed(rows: number): void {
    this.#changesSinceCount += rows;
    this.#changesSinceFailure += rows;
    const missing = this.#exactUpTo - this.#rowCount;
    const smallTail = this.#exactUpTo * smallTailPerExact;
    if (missing >= 0 && this.#changesSinceCount > Math.max(missing, smallTail)) this.count();
  }

  /** Records that a build failed, or that the next build repairs damage. */
  failed(): void {
    this.#changesSinceFailure = 0;
  }

  /**
   * Returns whether to start a build in the background. `indexed` and `tail` are numbers of rows; `indexed` is undefined if there is
   * no index.
   */
  isDue(indexed: number | undefined, tail: number): boolean {
    if (this.#changesSinceFailure < changesBeforeRetry) return false;
    return indexed === undefined ? this.isLarge : tail >= indexed * tailPerIndexed;
  }

  /** Returns whether to start a build for a caller who waits. */
  isWorthwhile(indexed: number | undefined, tail: number): boolean {
    return indexed === undefined ? this.isLarge : tail > this.#exactUpTo * smallTailPerExact;
  }
}

/** Returns the visible rows that are in the set. */
function intersection(rows: ReadonlySet<number>, visible: VisibleRows): VisibleRows {
  const both = Uint32Array.from(rows).filter((row) => visible.has(row));
  return { count: both.length, has: (row) => rows.has(row) && visible.has(row), rows: () => both };
}

/** The release of LanceDB that the package depends on. */
const lanceRelease = '0.33.0';

function degradation(cause: unknown): MemoryError {
  if (MemoryError.is(cause)) return cause;
  const reason = messageOf(cause);
  if (cause instanceof IndexDamaged) {
    const message = `The vector index is damaged and is built again from the stored vectors. ${reason}`;
    return new MemoryError('RECORD_DAMAGED', message, { cause });
  }
  if (cause instanceof LanceUnavailable) {
    const message = `LanceDB cannot be loaded, so every search of this store is exact, and slower than with an index. To install it, run: npm install --include=optional @lancedb/lancedb@${lanceRelease}. Then open the store again. The cause: ${reason}`;
    return new MemoryError('INDEX_UNAVAILABLE', message, { cause });
  }
  const isFull = /ENOSPC|no space left|os error 28\b/i.test(reason);
  const code = isFull ? 'DISK_FULL' : cause instanceof BuilderFailed ? 'INDEX_UNAVAILABLE' : 'RECORD_DAMAGED';
  const message = `The vector index could not be built. Every search is exact until a later build succeeds. ${reason}`;
  return new MemoryError(code, message, { cause });
}
