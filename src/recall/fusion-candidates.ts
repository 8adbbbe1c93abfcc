import type { KeywordMatches } from '../keyword-index/keyword-index';
import type { VectorCandidate, VectorIndex } from '../vector-index/vector-index';
import { estimateError, hybridScore } from './score';
import type { StateView } from './state-view';
import type { VisibleSet } from './visible-set';

/**
 * How many of the best keyword matches are considered for fusion. Measured on 100,000 memories above the limit of exact search:
 * of the ten best memories, .75 were among the first 36 of either index, .977 among the first 400 keyword matches and .995 among
 * the first 1,000.
 */
export const maxFusedMatches = 1_024;

export interface FusionInput {
  readonly vector: Float32Array;
  readonly now: number;
  readonly visible: VisibleSet;
  readonly matches: KeywordMatches;
  readonly nearest: readonly VectorCandidate[];
  readonly topK: number;
}

type Columns = Pick<StateView['columns'], 'validFrom' | 'priority'>;

/**
 * The keyword matches that may be among the best together with their vectors, and that the limited list of the nearest vectors
 * does not hold. It compares estimates that are in memory, so that only vectors of rows that may be returned are loaded.
 */
export async function fusionCandidates(
  { state: { columns } }: { readonly state: { readonly columns: Columns } },
  index: VectorIndex,
  input: FusionInput,
): Promise<VectorCandidate[]> {
  const { vector, matches, nearest, topK } = input;
  const score = scorer(columns, input);
  const lowerBounds = nearest.map(({ row, estimate, score: exact }) =>
    score(row, exact ?? estimate - estimateError, matches.scoreOf(row)),
  );
  const keywordScores = matchesWithin(input, kthHighest(lowerBounds, topK));
  const [withVector, withoutVector] = [true, false].map((has) =>
    Uint32Array.from(keywordScores.keys()).filter((row) => input.visible.vectors.has(row) === has),
  ) as [Uint32Array, Uint32Array];
  const rows = withVector.sort();
  const visible = { count: rows.length, has: (row: number) => keywordScores.has(row), rows: () => rows };
  const found = await index.search(vector, visible, rows.length);
  // Rows without a vector score by their keywords alone.
  const estimated = [...found, ...Array.from(withoutVector, (row) => ({ row, estimate: 0 }))];
  const moreLowerBounds = estimated.map(({ row, estimate }) =>
    score(row, estimate - estimateError, keywordScores.get(row) ?? 0),
  );
  const least = kthHighest([...lowerBounds, ...moreLowerBounds], topK);
  return estimated.filter(
    ({ row, estimate }) => score(row, estimate + estimateError, keywordScores.get(row) ?? 0) >= least,
  );
}

function scorer({ validFrom, priority }: Columns, { now }: FusionInput) {
  return (row: number, cosine: number, keyword: number) =>
    hybridScore(cosine, keyword, now - (validFrom[row] as number), priority[row] as number);
}

/**
 * The keyword scores of the matches that could still reach a score. Their cosine is at most that of the last of the nearest
 * vectors.
 */
function matchesWithin({ visible, now, matches, nearest }: FusionInput, least: number): Map<number, number> {
  const isNearest = new Set(nearest.map(({ row }) => row));
  const { newest, topPriority } = visible;
  const last = nearest.at(-1);
  const highestCosine = last === undefined ? 1 : (last.score ?? last.estimate + estimateError);
  const found = new Map<number, number>();
  for (const { row, score } of matches.hits) {
    // Hits come best first: all that follow score less.
    if (hybridScore(highestCosine, score, now - newest, topPriority) < least) break;
    if (!isNearest.has(row)) found.set(row, score);
  }
  return found;
}

/** The k-th highest score; minus infinity if there are fewer. */
function kthHighest(scores: readonly number[], k: number): number {
  return [...scores].sort((a, b) => b - a)[k - 1] ?? Number.NEGATIVE_INFINITY;
}
