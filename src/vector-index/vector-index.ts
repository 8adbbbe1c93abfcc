/**
 * One stored vector. Each memory is identified by an integer, its row. Its text is split into one or more chunks, and each chunk has
 * a vector.
 */
export interface StoredVector {
  readonly row: number;
  /** The number of the chunk within the row, from 0. */
  readonly chunk: number;
  /** The vector. Its length is 1. */
  readonly vector: Float32Array;
}

/** Reads the stored vectors. Everything in an index is copied from here, so an index can be built again at any time. */
export interface VectorSource {
  /** Reads the vectors of the given rows, in the given order, and for each row by ascending chunk. Skips rows without vectors. */
  read(rows: ArrayLike<number>): Iterable<StoredVector>;
  /** Returns every row that has a vector now, in ascending order. */
  rows(): Uint32Array;
  /** Returns the sequence number of the latest change, or 0 before the first change. */
  lastChangeSeq(): number;
  /**
   * Returns a fingerprint that identifies one change. A restored database may have another change with the same sequence number; the
   * fingerprints of the two differ.
   */
  fingerprint(changeSeq: number): string;
  /** Returns every row whose vectors changed after that change, in ascending order. Includes rows that no longer exist. */
  rowsChangedSince(changeSeq: number): Uint32Array;
}

/**
 * The rows that one search may return. Visibility is decided row by row and is never stored in an index: it also changes with rules,
 * expiry and supersession, while the vectors stay the same. A stored copy would be out of date.
 */
export interface VisibleRows {
  /** The number of rows in `rows()`. */
  readonly count: number;
  /** Returns whether the row is visible now. Must be fast: an approximate index calls it for every row that it finds. */
  has(row: number): boolean;
  /** Returns the visible rows, each once. Ascending order is faster to read. May take time in proportion to their number. */
  rows(): Uint32Array;
}

/** A row that an index proposes. Candidates are ordered by descending estimate, then by ascending row. */
export interface VectorCandidate {
  readonly row: number;
  /** The cosine between the query and the best chunk of the row, as the index estimates it. */
  readonly estimate: number;
  /** The exact cosine, if the index computed it from the stored vectors with the scoring kernel. */
  readonly score?: number;
}

/**
 * Proposes the rows whose best chunk is nearest to a query by cosine. An implementation is correct if it passes
 * `vectorIndexConformance`.
 */
export interface VectorIndex {
  readonly dimensions: number;
  /** Tells the index that the vectors of these rows changed. Later searches must use the vectors that the source contains then. */
  refresh(rows: ArrayLike<number>): Promise<void>;
  /** Returns at most `limit` visible rows, best first, each once. Returns fewer only if fewer are visible. */
  search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]>;
  close(): Promise<void>;
}

/** Scores of something else that let rows matter with a lower cosine than others: by `weight * score / (score + half)`. */
export interface RowBoost {
  /** The rows whose score is not 0. They may include rows that are not scanned. */
  readonly rows: Uint32Array;
  /** For each row, a number that is not negative. */
  readonly scores: Float64Array;
  readonly weight: number;
  /** Above 0. */
  readonly half: number;
}

/** Takes the rows that a scan finds, and says which rows the scan may leave out. */
export interface ScanTarget {
  /** The least cosine that matters now. It may rise while the scan runs. Negative infinity if every row matters. */
  least(): number;
  /** Undefined if no row matters with a lower cosine. */
  readonly boost?: RowBoost;
  /** Returns whether a row matters now if its cosine is at most `highest`. */
  matters(row: number, highest: number): boolean;
  /**
   * Called for each row that a scan finds, at most once.
   *
   * @param estimate The cosine between the query and the best chunk of the row, as far as the index knows it.
   * @param error The most that the estimate differs from the cosine. 0 for an exact cosine.
   */
  offer(row: number, estimate: number, error: number): void;
  /**
   * Called when the nearest rows were offered, as far as signs tell, and before the others are compared. It may scan a few other rows, and so
   * raise what `least` returns. Not called if there are few rows.
   *
   * @param highest Returns the highest cosine that a visible row may have, as far as signs tell. It is fast, and right until the next change of
   * a row.
   */
  probed?(highest: (row: number) => number): void;
}

/** Vectors that are in memory for one search. */
export interface LoadedVectors {
  /**
   * 'bytes' if a scan leaves out only rows whose cosine is proven to be too low. 'signs' if it may compare the signs of vectors first, and only
   * the high halves of bytes. That can miss a row with a small probability.
   */
  readonly compare: 'bytes' | 'signs';
  /** The exact cosines of rows whose vectors do not fit into memory. Usually empty. */
  readonly beyond: Map<number, number>;
  /** A scan fails if the vectors of more rows changed after they were loaded. */
  readonly mostChanged: number;
}

/** An index that keeps vectors in memory, and compares them with a query in one turn of the event loop. */
export interface ScanningIndex extends VectorIndex {
  /**
   * Reads the vectors of these rows into memory, in several turns of the event loop. Returns undefined, and reads nothing, if there are so
   * many rows that the approximate index must be searched.
   *
   * @param attempt How often the rows are loaded for one search, from 1. With each attempt, more rows may change until the scan.
   */
  load(query: Float32Array, rows: Uint32Array, attempt?: number): Promise<LoadedVectors | undefined>;
  /**
   * Offers those of the rows that matter. The rows may be in any order. Returns false if the vectors of many rows changed after `load`: then
   * they must be loaded again, and some rows may have been offered.
   */
  scan(query: Float32Array, rows: VisibleRows, loaded: LoadedVectors, target: ScanTarget): boolean;
}

/** The vector search of a store, which follows the store's changes and decides which index answers. */
export interface VectorSearch {
  /** Returns the index to search, or undefined while the store has no vectors. */
  index(): ScanningIndex | undefined;
  /** Tells the search about one change and the rows whose vectors or labels it changed. Returns at once. */
  applied(changeSeq: number, rows: readonly number[]): void;
  /** The number of changes that are not yet in the approximate index. 0 if the store needs no approximate index. */
  readonly behind: number;
  /** The number of bytes of RAM that vectors take. */
  readonly bytes: number;
  /** Resolves when searches no longer have to wait for an index to be built. Vectors may not be in memory yet. */
  ready(): Promise<void>;
  /** Resolves when the approximate index contains every change that was applied before the call. */
  settled(): Promise<void>;
  /** Reads the whole approximate index and describes each problem in one sentence. Returns an empty list if the index is intact. */
  check(): Promise<readonly string[]>;
  /** Builds a new approximate index from the stored vectors. Rejects if that fails. */
  rebuild(): Promise<void>;
  /** Removes the vectors from disk that the store does not contain any more. Rejects if that fails. */
  purge(): Promise<void>;
  close(): Promise<void>;
}
