import type { KeywordMatches } from '../keyword-index/keyword-index';
import type { Candidate, VectorIndex } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { hybridScore } from './score';
import type { Visible } from './visible';

/**
 * How many of the best by words are weighed. Measured on 100,000 memories above the bound of exact search: of the ten best, .75
 * were among the first 36 by words or by meaning, .977 among the first 400 by words, .995 among the first 1,000.
 */
export const weighedWords = 1_024;

export interface Weighing {
  readonly vector: Float32Array;
  readonly now: number;
  readonly visible: Visible;
  readonly words: KeywordMatches;
  readonly nearest: readonly Candidate[];
  readonly limit: number;
}

/**
 * Of what matches by words, the rows that meaning puts among the best: those that the nearest by meaning, of which only so many
 * are asked for, leave out. Weighed by estimates from memory, so that only what is returned has to be loaded.
 */
export async function promising(
  { truth }: Pick<ReadContext, 'truth'>,
  index: VectorIndex,
  { vector, now, visible, words, nearest, limit }: Weighing,
): Promise<Candidate[]> {
  const keywords = reaching({ visible, now, words, nearest, limit });
  const rows = Uint32Array.from(keywords.keys()).sort();
  const estimated = await index.search(
    vector,
    { count: rows.length, has: (row) => keywords.has(row), rows: () => rows },
    rows.length,
  );
  const { validFrom, priority } = truth.columns;
  const weighed = estimated.map((candidate) => {
    const { row, estimate } = candidate;
    const age = now - (validFrom[row] as number);
    return { candidate, score: hybridScore(estimate, keywords.get(row) ?? 0, age, priority[row] as number) };
  });
  weighed.sort((a, b) => b.score - a.score || a.candidate.row - b.candidate.row);
  return weighed.slice(0, limit).map(({ candidate }) => candidate);
}

/** The rows that could still come among the first so many, with what their words score: their meaning is below what is nearest. */
function reaching({ visible, now, words, nearest, limit }: Omit<Weighing, 'vector'>): Map<number, number> {
  const known = new Set(nearest.map(({ row }) => row));
  const { newest, topPriority } = visible;
  const last = nearest.at(-1);
  const farthest = last?.score ?? last?.estimate ?? 1;
  const least = hybridScore(0, words.hits[limit - 1]?.score ?? 0, Number.POSITIVE_INFINITY, 0);
  const found = new Map<number, number>();
  for (const { row, score } of words.hits) {
    // Best first: what follows scores less.
    if (hybridScore(farthest, score, now - newest, topPriority) < least) break;
    if (!known.has(row) && visible.vectors.has(row)) found.set(row, score);
  }
  return found;
}
