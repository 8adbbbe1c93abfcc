/**
 * The content of an index, as one number for each row: the sum of the hashes of the row's terms in any order. If two indexes
 * differ in a term of a row, its sums differ except for one chance in four billion.
 */
export interface IndexSums {
  /** By row; 0 for a row without terms. */
  readonly sums: Uint32Array;
  /** Rows in the index that are not in the requested range. */
  readonly strays: readonly number[];
}

/** FNV-1a of the UTF-16 units, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). `database-check.ts` has the same function for its worker. */
function hashOf(term: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The sum of the hashes of terms, with repetitions. Lone surrogates are replaced, as SQLite's UTF-8 does. */
export function sumOf(terms: readonly string[]): number {
  let sum = 0;
  for (const term of terms) sum = (sum + hashOf(term.toWellFormed())) >>> 0;
  return sum;
}

/** The rows in which two indexes differ, ascending, and then the stray rows. */
export function* differingRows(expected: Uint32Array, { sums, strays }: IndexSums): Generator<number> {
  for (let row = 1; row < expected.length; row++) if (expected[row] !== sums[row]) yield row;
  yield* strays;
}
