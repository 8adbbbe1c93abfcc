import type { KeywordMatches } from '../keyword-index/keyword-index';
import type { Candidate, VectorIndex } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { scoreOf, scoreParts } from './score';
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
  const known = new Set(nearest.map(({ row }) => row));
  const others = words.hits.filter(({ row }) => !known.has(row) && visible.vectors.has(row));
  const keywords = new Map(others.map(({ row, score }) => [row, score]));
  const rows = Uint32Array.from(keywords.keys()).sort();
  const estimated = await index.search(
    vector,
    { count: rows.length, has: (row) => keywords.has(row), rows: () => rows },
    rows.length,
  );
  const { validFrom, priority } = truth.columns;
  const weighed = estimated.map((candidate) => {
    const { row, estimate } = candidate;
    const evidence = {
      cosine: estimate,
      keyword: keywords.get(row) ?? 0,
      ageMs: now - (validFrom[row] as number),
      priority: priority[row] as number,
    };
    return { candidate, score: scoreOf(scoreParts(evidence, 'hybrid')) };
  });
  weighed.sort((a, b) => b.score - a.score || a.candidate.row - b.candidate.row);
  return weighed.slice(0, limit).map(({ candidate }) => candidate);
}
