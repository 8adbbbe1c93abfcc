import { MemoryError } from '../domain/errors';
import { byEstimate } from './best-rows';
import { BuildPolicy } from './build-policy';
import { type ExactIndex, exactIndex } from './exact-index';
import { type Generation, Generations, type GenerationsOptions } from './generations';
import { IndexDamaged } from './index-damaged';
import type { VectorCandidate, VectorIndex, VectorSource, VisibleRows } from './vector-index';

export interface IndexerOptions extends GenerationsOptions {
  /** Searches what is few, and everything while there is no approximate index. The indexer keeps it fresh; its owner closes it. */
  readonly exact: ExactIndex;
  /** Up to so many visible rows are searched exactly, and a store that holds no more never loads LanceDB. Default 20,000. */
  readonly exactUpTo?: number;
  /** The approximate index holds every change up to that entry. Called for every entry while there is no need of one. */
  readonly onIndexed?: (entry: number) => void;
  /** The approximate index was found damaged, or could not be built. Searches stay right, and are slower. */
  readonly onDegraded?: (error: MemoryError) => void;
}

/**
 * Follows the log with an approximate index over the truth, in the background and in batches. What the index does not hold in
 * its present form, the tail, is searched exactly beside it, so that every search finds what was applied before it.
 */
export class Indexer implements VectorIndex {
  readonly dimensions: number;
  readonly #source: VectorSource;
  readonly #exact: ExactIndex;
  readonly #exactUpTo: number;
  readonly #policy: BuildPolicy;
  readonly #generations: Generations;
  readonly #onIndexed: (entry: number) => void;
  readonly #onDegraded: (error: MemoryError) => void;
  readonly #stop = new AbortController();
  #entry = 0;
  #current: Generation | undefined;
  #tail = new Set<number>();
  /** Searches the tail. Its memory is its own, so that a full exact index does not make every search read the tail anew. */
  #fresh: ExactIndex;
  #changedWhileBuilding = new Set<number>();
  #building: Promise<MemoryError | undefined> | undefined;
  #starting: Promise<void> | undefined;
  #isStarted = false;

  constructor(options: IndexerOptions) {
    this.dimensions = options.dimensions;
    this.#source = options.source;
    this.#exact = options.exact;
    this.#exactUpTo = options.exactUpTo ?? 20_000;
    this.#policy = new BuildPolicy(this.#exactUpTo, () => options.source.rows().length);
    this.#generations = new Generations(options);
    this.#onIndexed = options.onIndexed ?? (() => undefined);
    this.#onDegraded = options.onDegraded ?? (() => undefined);
    this.#fresh = this.#newFresh();
  }

  /** Opens the approximate index if the store needs one and it is sound; else begins to build it, without waiting for that. */
  start(): Promise<void> {
    this.#starting ??= this.#open().then(() => {
      this.#isStarted = true;
      this.#buildIfDue();
    });
    return this.#starting;
  }

  /** Tells of one entry that was applied, and of the rows whose vectors it changed. To be called in the turn of its commit. */
  applied(entry: number, rows: ArrayLike<number>): void {
    this.#entry = entry;
    void this.#exact.refresh(rows);
    void this.#fresh.refresh(rows);
    for (let i = 0; i < rows.length; i++) {
      if (this.#current !== undefined) this.#tail.add(rows[i] as number);
      if (this.#building !== undefined) this.#changedWhileBuilding.add(rows[i] as number);
    }
    this.#policy.changed(rows.length);
    this.#buildIfDue();
    if (!this.#isNeeded) this.#onIndexed(entry);
  }

  /** As `applied`, of the latest entry. */
  async refresh(rows: ArrayLike<number>): Promise<void> {
    this.applied(this.#source.entry(), rows);
  }

  /** Whether an approximate index is in use. Without one, every search is exact. */
  get ready(): boolean {
    return this.#current !== undefined;
  }

  /** Whether there is need of an approximate index, and none. */
  get isWanting(): boolean {
    return this.#current === undefined && this.#isNeeded;
  }

  /** How many entries the approximate index is behind. 0 where none is needed. */
  get lag(): number {
    if (this.#current === undefined) return this.#isNeeded ? this.#entry : 0;
    return this.#tail.size === 0 ? 0 : this.#entry - this.#current.seal.indexedThrough;
  }

  /** The rows that the approximate index does not hold in their present form. */
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
        // Replaced meanwhile, so that the tail is no longer what this one lacks: search again.
        if (current !== this.#current) continue;
        // Begun in the turn in which the stale rows were left out, so that each row is in one of the two.
        const changed = await this.#fresh.search(query, among(this.#tail, visible), limit);
        return [...indexed, ...changed].sort(byEstimate).slice(0, limit);
      } catch (error) {
        if (!(error instanceof IndexDamaged)) throw error;
        this.#drop(current, error);
      }
    }
  }

  /**
   * Resolves when no build runs and none would make searches faster: what is left of the tail costs them some 0.2 ms at most.
   * Resolves too where a build has failed: see `onDegraded`.
   */
  async settled(): Promise<void> {
    await this.#starting;
    this.#policy.count();
    while (!this.#stop.signal.aborted) {
      const isWorthwhile = this.#policy.isWorthwhile(this.#current?.index.size, this.#tail.size);
      if (this.#building === undefined && !isWorthwhile) return;
      if ((await this.#build()) !== undefined) return;
    }
  }

  /** Builds the approximate index anew, if the store needs one. Rejects where that fails. */
  async rebuild(): Promise<void> {
    await this.#starting;
    await this.#building;
    this.#policy.count();
    const error = this.#isNeeded ? await this.#build() : undefined;
    if (error !== undefined) throw error;
  }

  /** Reads every file of the approximate index: what is wrong with it, a sentence each. A damaged index is given up and built anew. */
  async check(): Promise<string[]> {
    await this.#starting;
    for (;;) {
      const current = this.#current;
      if (current === undefined) return [];
      const problems = await this.#generations.problems(current);
      // Replaced meanwhile, and its files removed: that is no damage.
      if (current !== this.#current) continue;
      if (problems.length > 0) this.#drop(current, new IndexDamaged(problems.join(' ')));
      return problems;
    }
  }

  /** Ends a build that runs: what it has done so far is lost, what was sealed before stays. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#starting;
    await this.#building;
    await this.#current?.index.close();
  }

  get #isNeeded(): boolean {
    return this.#current !== undefined || this.#policy.isLarge;
  }

  async #open(): Promise<void> {
    this.#entry = this.#source.entry();
    this.#policy.count();
    if (!this.#isNeeded) return;
    const opened = await this.#generations.open();
    if ('index' in opened) {
      this.#adopt(opened, new Set(this.#source.rowsChangedSince(opened.seal.indexedThrough)));
    } else if (opened.length > 0) {
      this.#onDegraded(damaged(new IndexDamaged(opened.join(' '))));
    }
    await this.#generations.tidy();
  }

  #buildIfDue(): void {
    if (!this.#isStarted || this.#stop.signal.aborted || this.#building !== undefined) return;
    if (this.#policy.isDue(this.#current?.index.size, this.#tail.size)) void this.#build();
  }

  /** Never rejects. Joins the build that runs, if one does. */
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
      this.#policy.troubled();
      const failure = failed(error);
      this.#onDegraded(failure);
      return failure;
    }
  }

  #adopt(generation: Generation, tail: Set<number>): void {
    this.#current = generation;
    this.#tail = tail;
    this.#fresh = this.#newFresh();
    this.#onIndexed(generation.seal.indexedThrough);
  }

  #drop(generation: Generation, cause: IndexDamaged): void {
    if (this.#current !== generation) return;
    this.#current = undefined;
    this.#tail = new Set();
    this.#policy.count();
    void generation.index.close();
    this.#onDegraded(damaged(cause));
    this.#buildIfDue();
    this.#policy.troubled();
  }

  #newFresh(): ExactIndex {
    const { dimensions } = this;
    return exactIndex({ dimensions, memoryBytes: Number.POSITIVE_INFINITY, source: this.#source });
  }
}

/** The visible ones of a few rows. */
function among(rows: ReadonlySet<number>, visible: VisibleRows): VisibleRows {
  const both = Uint32Array.from(rows).filter((row) => visible.has(row));
  return { count: both.length, has: (row) => rows.has(row) && visible.has(row), rows: () => both };
}

function damaged(cause: IndexDamaged): MemoryError {
  const message = `The vector index is damaged, and is built anew from the stored vectors. ${cause.message}`;
  return new MemoryError('RECORD_DAMAGED', message, { cause });
}

function failed(cause: unknown): MemoryError {
  if (MemoryError.is(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isFull = /ENOSPC|no space left|os error 28\b/i.test(reason);
  const message = `The vector index could not be built; every search is exact until it is. ${reason}`;
  return new MemoryError(isFull ? 'DISK_FULL' : 'RECORD_DAMAGED', message, { cause });
}
