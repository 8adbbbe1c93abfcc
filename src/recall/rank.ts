import type { ScoreParts } from '../domain/memory';
import type { KeywordMatches } from '../keyword-index/keyword-index';
import { bestChunk } from '../vector-index/kernel/dot';
import type { VectorCandidate } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { estimateError, type Mode, scoreOf, scoreParts } from './score';
import type { Visible } from './visible';

/** A row with its score, before it is loaded. */
export interface Ranked {
  readonly row: number;
  readonly score: number;
  readonly parts: ScoreParts;
}

export interface Ranking {
  readonly mode: Mode;
  readonly threshold: number;
  readonly now: number;
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
  readonly visible: Visible;
  /** What matches by words, where that was weighed: what of it may be among the best is promising. */
  readonly words: KeywordMatches | undefined;
  /** What the index of vectors proposed, best first. */
  readonly nearest: readonly VectorCandidate[];
  /** Other rows to score. */
  readonly promising: readonly VectorCandidate[];
  /** How many were asked of it, and are asked of the index of words. */
  readonly proposals: number;
}

/**
 * Scores whatever either index proposed by the same formula, best first. `beyond` is more than any visible row scores that
 * neither proposed: below 0 where there is none.
 */
export function rank(context: ReadContext, ranking: Ranking): { ranked: Ranked[]; beyond: number } {
  const { visible, nearest, promising, threshold, proposals } = ranking;
  const words = ranking.words ?? matchesOf(context, ranking, proposals);
  const cosines = new Map(nearest.map(({ row, score }) => [row, score]));
  const rows = new Set([...cosines.keys()].filter((row) => visible.vectors.has(row)));
  if (ranking.words === undefined) for (const { row } of words?.hits ?? []) rows.add(row);
  for (const { row } of promising) if (visible.mask[row] === 1) rows.add(row);
  const ranked = [...rows].map((row) => scored(context, ranking, row, words, cosines.get(row)));
  return {
    ranked: ranked.filter(({ score }) => score >= threshold).sort((a, b) => b.score - a.score || a.row - b.row),
    beyond: bestBeyond(ranking, words),
  };
}

/** What matches by words, best first. Undefined where there are no words to look for. */
export function matchesOf(
  { keywords, state }: ReadContext,
  { terms, visible }: Pick<Ranking, 'terms' | 'visible'>,
  limit: number,
): KeywordMatches | undefined {
  if (terms.length === 0) return undefined;
  const { mask, texts, tokens } = visible;
  return keywords.search(terms, { mask, lengths: state.columns.length, count: texts, tokens }, limit);
}

/** What a row could score that is just behind the last proposal of each index. */
function bestBeyond(
  { nearest, proposals, visible, now, mode, threshold }: Ranking,
  words: KeywordMatches | undefined,
): number {
  const lastNearest = nearest.length < proposals ? undefined : nearest.at(-1);
  const lastWord = (words?.hits.length ?? 0) < proposals ? undefined : words?.hits.at(-1);
  if (lastNearest === undefined && lastWord === undefined) return -1;
  const best = scoreOf(
    scoreParts(
      {
        cosine: lastNearest === undefined ? 0 : (lastNearest.score ?? lastNearest.estimate + estimateError),
        keyword: lastWord?.score ?? 0,
        ageMs: now - visible.newest,
        priority: visible.topPriority,
      },
      mode,
    ),
  );
  return best < threshold ? -1 : best;
}

function scored(
  { state }: ReadContext,
  ranking: Ranking,
  row: number,
  words: KeywordMatches | undefined,
  known: number | undefined,
): Ranked {
  const { vector, mode, now } = ranking;
  const { validFrom, priority } = state.columns;
  const evidence = {
    cosine: vector === undefined ? 0 : (known ?? cosineOf(vector, state.vectors.ofRow(row))),
    keyword: words?.scoreOf(row) ?? 0,
    ageMs: now - (validFrom[row] as number),
    priority: priority[row] as number,
  };
  const parts = scoreParts(evidence, mode);
  return { row, score: scoreOf(parts), parts };
}

function cosineOf(query: Float32Array, vectors: readonly Float32Array[]): number {
  return vectors.length === 0 ? 0 : bestChunk(query, vectors);
}
