/** One stored vector. A memory is one integer row; its text is one or more chunks, each with a vector. */
export interface StoredVector {
  readonly row: number;
  /** Counts the chunks of the row from 0. */
  readonly chunk: number;
  /** Has length 1. */
  readonly vector: Float32Array;
}

/** The stored vectors. An index copies them and holds nothing that it cannot read from here again. */
export interface VectorSource {
  /** The vectors of the given rows, in the given order, each row by ascending chunk. Skips rows without vectors. */
  read(rows: ArrayLike<number>): Iterable<StoredVector>;
  /** Every row that has a vector now, ascending. */
  rows(): Uint32Array;
  /** The sequence number of the latest change; 0 before the first. */
  lastChangeSeq(): number;
  /**
   * Identifies one change. A restored database may hold another change under the same sequence number: the two differ in
   * their fingerprints.
   */
  fingerprint(changeSeq: number): string;
  /** Every row whose vectors changed after that change, ascending. Includes rows that no longer exist. */
  rowsChangedSince(changeSeq: number): Uint32Array;
}

/**
 * The rows that one search may return. Visibility is decided row by row and is never stored in an index: rules, expiry and
 * supersession change without a change of any vector, so a stored copy would be out of date.
 */
export interface VisibleRows {
  /** The number of rows in `rows()`. */
  readonly count: number;
  /** Whether the row is visible now. Must be fast: an approximate index calls it for every row that it finds. */
  has(row: number): boolean;
  /** The visible rows, each once, preferably ascending, which is faster to read. May take time in proportion to their number. */
  rows(): Uint32Array;
}

/** A row that an index proposes. Candidates are ordered by descending estimate, then by ascending row. */
export interface VectorCandidate {
  readonly row: number;
  /** What the index estimates as the cosine between the query and the row's best chunk. */
  readonly estimate: number;
  /** The cosine itself, if the index computed it from the stored vectors with the scoring kernel. */
  readonly score?: number;
}

/**
 * Proposes the rows whose best chunk is nearest to a query by cosine. An implementation conforms if it passes
 * `vectorIndexConformance`.
 */
export interface VectorIndex {
  readonly dimensions: number;
  /** Tells the index that the vectors of these rows changed. Later searches use the vectors that the source holds now. */
  refresh(rows: ArrayLike<number>): Promise<void>;
  /** At most `limit` visible rows, best first, each once. Returns fewer only if fewer are visible. */
  search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]>;
  close(): Promise<void>;
}

/** The vector search of a store, which follows the store's changes and decides which index answers. */
export interface VectorSearch {
  /** The index to search, or undefined while the store has no vectors. */
  index(): VectorIndex | undefined;
  /** Reports one change, which changed the vectors or labels of these rows. Returns at once. */
  applied(changeSeq: number, rows: readonly number[]): void;
  /** The number of changes that the approximate index does not hold yet; 0 if the store needs none. */
  readonly behind: number;
  /** Resolves when no search has to wait for an index that is not built yet. Vectors may not be in memory yet. */
  ready(): Promise<void>;
  /** Resolves when the approximate index holds every change that was applied before the call. */
  settled(): Promise<void>;
  /** Reads the whole approximate index and describes each problem in one sentence. Returns no problem for a sound index. */
  check(): Promise<readonly string[]>;
  /** Builds the approximate index anew from the stored vectors. Rejects if that fails. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}
