import type { KeywordMatches } from '../keyword-index/keyword-index';
import type { VectorCandidate, VectorIndex } from '../vector-index/vector-index';
import { estimateError, scoreSum } from './score';
import type { StateView } from './state-view';
import { type TimeBoost, timePart } from './time/time-boost';
import type { VisibleSet } from './visible-set';

/**
 * Fusion (the combination of vector and keyword scores) considers this many of the best keyword matches. It was measured with 100,000
 * memories, above the limit for exact search. Of the ten best memories, 75 % were among the first 36 matches in either index, 97.7 %
 * among the first 400 keyword matches, and 99.5 % among the first 1,000.
 */
export const maxFusedMatches = 1_024;

export interface FusionInput {
  readonly vector: Float32Array;
  readonly now: number;
  readonly visible: VisibleSet;
  readonly matches: KeywordMatches;
  readonly nearest: readonly VectorCandidate[];
  readonly topK: number;
  readonly times: TimeBoost | undefined;
}

type Columns = Pick<StateView['columns'], 'validFrom' | 'priority'>;

/**
 * Finds the keyword matches that are missing in the limited list of nearest vectors, but that may be among the best hits when their
 * vectors are scored too. It compares estimates that are in RAM, so it loads vectors only for rows that may be returned.
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
  // Rows without a vector are scored only by their keywords.
  const estimated = [...found, ...Array.from(withoutVector, (row) => ({ row, estimate: 0 }))];
  const moreLowerBounds = estimated.map(({ row, estimate }) =>
    score(row, estimate - estimateError, keywordScores.get(row) ?? 0),
  );
  const least = kthHighest([...lowerBounds, ...moreLowerBounds], topK);
  return estimated.filter(
    ({ row, estimate }) => score(row, estimate + estimateError, keywordScores.get(row) ?? 0) >= least,
  );
}

function scorer({ validFrom, priority }: Columns, { now, times }: FusionInput) {
  return (row: number, cosine: number, keyword: number) => {
    const sum = scoreSum('hybrid', cosine, keyword, now - (validFrom[row] as number), priority[row] as number);
    return times === undefined ? sum : times.added(sum, row);
  };
}

/**
 * Returns the keyword scores of the matches that could still reach the score `least`. The cosine of such a match is at most the cosine of
 * the last of the nearest vectors.
 */
function matchesWithin({ visible, now, matches, nearest, times }: FusionInput, least: number): Map<number, number> {
  const isNearest = new Set(nearest.map(({ row }) => row));
  const { newest, topPriority } = visible;
  const last = nearest.at(-1);
  const highestCosine = last === undefined ? 1 : (last.score ?? last.estimate + estimateError);
  const found = new Map<number, number>();
  for (const { row, score } of matches.hits) {
    // Matches are sorted, best first. All later matches have lower scores.
    const most = scoreSum('hybrid', highestCosine, score, now - newest, topPriority);
    if (most + (times === undefined ? 0 : timePart(most, 1)) < least) break;
    if (!isNearest.has(row)) found.set(row, score);
  }
  return found;
}

/** Returns the k-th highest score, or minus infinity if there are fewer than k scores. */
function kthHighest(scores: readonly number[], k: number): number {
  return [...scores].sort((a, b) => b - a)[k - 1] ?? Number.NEGATIVE_INFINITY;
}
