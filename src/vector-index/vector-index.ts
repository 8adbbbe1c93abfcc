/** One stored vector: `row` is the memory's integer, `part` counts the parts of a long text from 0. */
export interface StoredVector {
  readonly row: number;
  readonly chunk: number;
  /** Of length 1. */
  readonly vector: Float32Array;
}

/** Where vectors really live. An index holds nothing that cannot be read from here again. */
export interface VectorSource {
  /** The vectors of those rows, by ascending row and part. Rows that are gone or have no vector are left out. */
  read(rows: ArrayLike<number>): Iterable<StoredVector>;
  /** Every row that has a vector now, ascending. */
  rows(): Uint32Array;
  /** The number of the latest change, from 0. */
  entry(): number;
  /** Tells the change with that number from any other that might have had it, in another history of the same store. */
  fingerprint(entry: number): string;
  /** Every row whose vectors changed after that entry, rows that are gone included, ascending. */
  rowsChangedSince(entry: number): Uint32Array;
}

/**
 * What a search may find. It says so row by row, and not by scope and owner: who may read what, and what has expired or been
 * superseded, changes without a word to any index, and no index can be behind in it.
 */
export interface VisibleRows {
  /** How many rows there are in `rows()`. */
  readonly count: number;
  /** Whether a row is visible at this moment. Cheap: asked of every row that an approximate index comes across. */
  has(row: number): boolean;
  /** The visible rows, each once; ascending where they are many, because that is faster to read. May cost time in proportion to their number. */
  rows(): Uint32Array;
}

/** A row that an index proposes. Best first means: by descending estimate, then by ascending row. */
export interface VectorCandidate {
  readonly row: number;
  /** The index's own estimate of the cosine of the row's best part. */
  readonly estimate: number;
  /** The cosine itself, where the index has already computed it with the one kernel over the truth's vectors. */
  readonly score?: number;
}

/** Proposes the rows whose best part lies nearest to a query by cosine. Conforms when it passes `vectorIndexConformance`. */
export interface VectorIndex {
  readonly dimensions: number;
  /** The rows' vectors changed: whatever was known of them is replaced by what the truth holds now. */
  refresh(rows: ArrayLike<number>): Promise<void>;
  /** At most `limit` visible rows, best first, each row once. Fewer only when fewer are visible. */
  search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]>;
  close(): Promise<void>;
}
