/**
 * The content of an index, as one number for each row: the sum of the hashes of the row's terms. The order of the terms does not
 * matter. If a row's terms differ between two indexes, its two sums are equal with a probability of only one in four billion.
 */
export interface IndexSums {
  /** The sum for each row number; 0 for a row without terms. */
  readonly sums: Uint32Array;
  /** Rows in the index that are outside the requested range. */
  readonly strays: readonly number[];
}

/**
 * Computes the 32-bit FNV-1a hash of the UTF-16 units (http://www.isthe.com/chongo/tech/comp/fnv/). `database-check.ts` contains the
 * same function for its worker.
 */
function hashOf(term: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Adds up the hashes of terms. A repeated term counts each time. Lone surrogates are replaced, as in SQLite's UTF-8. */
export function sumOf(terms: readonly string[]): number {
  let sum = 0;
  for (const term of terms) sum = (sum + hashOf(term.toWellFormed())) >>> 0;
  return sum;
}

/** Yields the rows in which two indexes differ, in ascending order, and then the rows outside the range. */
export function* differingRows(expected: Uint32Array, { sums, strays }: IndexSums): Generator<number> {
  for (let row = 1; row < expected.length; row++) if (expected[row] !== sums[row]) yield row;
  yield* strays;
}
