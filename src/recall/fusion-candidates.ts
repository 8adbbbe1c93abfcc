import type { KeywordMatches } from '../keyword-index/keyword-index';
import type { VectorCandidate, VectorIndex } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { estimateError, hybridScore } from './score';
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
  readonly nearest: readonly VectorCandidate[];
  readonly topK: number;
}

type Columns = Pick<ReadContext['state']['columns'], 'validFrom' | 'priority'>;

/**
 * Of what matches by words, the rows that meaning may put among the best: those that the nearest by meaning, of which only so many
 * are asked for, leave out. Weighed by estimates from memory, so that only what may be returned has to be loaded.
 */
export async function fusionCandidates(
  { state: { columns } }: { readonly state: { readonly columns: Columns } },
  index: VectorIndex,
  weighing: Weighing,
): Promise<VectorCandidate[]> {
  const { vector, words, nearest, topK } = weighing;
  const scored = scorer(columns, weighing);
  const certain = nearest.map(({ row, estimate, score }) =>
    scored(row, score ?? estimate - estimateError, words.scoreOf(row)),
  );
  const keywords = reaching(weighing, kth(certain, topK));
  const [embedded, bare] = [true, false].map((has) =>
    Uint32Array.from(keywords.keys()).filter((row) => weighing.visible.vectors.has(row) === has),
  ) as [Uint32Array, Uint32Array];
  const rows = embedded.sort();
  const visible = { count: rows.length, has: (row: number) => keywords.has(row), rows: () => rows };
  // What was stored without a vector is found by its words alone.
  const found = await index.search(vector, visible, rows.length);
  const estimated = [...found, ...Array.from(bare, (row) => ({ row, estimate: 0 }))];
  const atLeast = estimated.map(({ row, estimate }) => scored(row, estimate - estimateError, keywords.get(row) ?? 0));
  const least = kth([...certain, ...atLeast], topK);
  return estimated.filter(
    ({ row, estimate }) => scored(row, estimate + estimateError, keywords.get(row) ?? 0) >= least,
  );
}

function scorer({ validFrom, priority }: Columns, { now }: Weighing) {
  return (row: number, cosine: number, keyword: number) =>
    hybridScore(cosine, keyword, now - (validFrom[row] as number), priority[row] as number);
}

/** The rows that could still come among the best, with what their words score: their meaning lies below what is nearest. */
function reaching({ visible, now, words, nearest }: Weighing, least: number): Map<number, number> {
  const known = new Set(nearest.map(({ row }) => row));
  const { newest, topPriority } = visible;
  const last = nearest.at(-1);
  const farthest = last === undefined ? 1 : (last.score ?? last.estimate + estimateError);
  const found = new Map<number, number>();
  for (const { row, score } of words.hits) {
    // Best first: what follows scores less.
    if (hybridScore(farthest, score, now - newest, topPriority) < least) break;
    if (!known.has(row)) found.set(row, score);
  }
  return found;
}

/** The k-th highest of some scores; below all of them where there are fewer. */
function kth(scores: readonly number[], k: number): number {
  return [...scores].sort((a, b) => b - a)[k - 1] ?? Number.NEGATIVE_INFINITY;
}
