/**
 * What an index says of each row, in one number: the sum of the hashes of the row's terms, whatever their order. Two indexes
 * that differ in a term of a row differ in its sum, but for one chance in four billion.
 */
export interface IndexSums {
  /** By row; 0 for a row without terms. */
  readonly sums: Uint32Array;
  /** Rows beyond those that were asked for. */
  readonly strays: readonly number[];
}

/** FNV-1a of the UTF-16 units, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). The same stands in `database-check.ts`. */
function hashOf(term: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The sum of some terms, each as often as it stands there. UTF-8 keeps no lone surrogates, and neither does this. */
export function sumOf(terms: readonly string[]): number {
  let sum = 0;
  for (const term of terms) sum = (sum + hashOf(term.toWellFormed())) >>> 0;
  return sum;
}

/** The rows of which two indexes say different things, ascending; strays are such rows. */
export function* differingRows(expected: Uint32Array, { sums, strays }: IndexSums): Generator<number> {
  for (let row = 1; row < expected.length; row++) if (expected[row] !== sums[row]) yield row;
  yield* strays;
}
