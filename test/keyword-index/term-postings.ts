import type { TermPostings } from '../../src/keyword-index/postings';

/** Makes postings of one row number for each occurrence of a term, in any order. */
export function postingsOf(occurrences: ArrayLike<number>): TermPostings {
  const counts = new Map<number, number>();
  for (const row of Array.from(occurrences)) counts.set(row, (counts.get(row) ?? 0) + 1);
  const entries = [...counts].sort(([a], [b]) => a - b);
  return {
    rows: Uint32Array.from(entries, ([row]) => row),
    frequencies: Uint16Array.from(entries, ([, count]) => Math.min(count, 0xffff)),
    length: entries.length,
  };
}
