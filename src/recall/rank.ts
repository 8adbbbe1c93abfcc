import type { ScoreParts } from '../domain/memory';
import type { KeywordMatches } from '../keyword-index/keyword-index';
import { bestChunk } from '../vector-index/kernel/dot';
import type { VectorCandidate } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { estimateError, type RecallMode, scoreOf, scoreParts } from './score';
import type { VisibleSet } from './visible-set';

/** A row with its score, before its record is loaded. */
export interface RankedRow {
  readonly row: number;
  readonly score: number;
  readonly parts: ScoreParts;
}

/** The rows that may be among the best, and how they were found. */
export interface Candidates {
  /** The nearest vectors, best first. */
  readonly nearest: readonly VectorCandidate[];
  /** Keyword matches that their vectors may lift among the best. */
  readonly fused: readonly VectorCandidate[];
  /** The keyword matches that `fused` was chosen from. Undefined if no fusion took place. */
  readonly keywordMatches: KeywordMatches | undefined;
}

export interface RankRequest extends Candidates {
  readonly mode: RecallMode;
  readonly threshold: number;
  readonly now: number;
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
  readonly visible: VisibleSet;
  /** How many rows the vector index was asked for, and the keyword index is asked for. */
  readonly candidateLimit: number;
}

/**
 * Scores the candidates of both indexes with one formula, best first. `bestUnseen` is an upper bound of the score of any visible
 * row that is no candidate; below 0 if there is no such row.
 */
export function rank(context: ReadContext, request: RankRequest): { ranked: RankedRow[]; bestUnseen: number } {
  const { visible, nearest, fused, threshold, candidateLimit } = request;
  const matches = request.keywordMatches ?? findKeywordMatches(context, request, candidateLimit);
  const cosines = new Map(nearest.map(({ row, score }) => [row, score]));
  const rows = new Set([...cosines.keys()].filter((row) => visible.vectors.has(row)));
  if (request.keywordMatches === undefined) for (const { row } of matches?.hits ?? []) rows.add(row);
  for (const { row } of fused) if (visible.mask[row] === 1) rows.add(row);
  const ranked = [...rows].map((row) => scoreRow(context, request, row, matches, cosines.get(row)));
  return {
    ranked: ranked.filter(({ score }) => score >= threshold).sort((a, b) => b.score - a.score || a.row - b.row),
    bestUnseen: bestUnseenScore(request, matches),
  };
}

/** The rows that match the query's terms, best first. Undefined if the query has no terms. */
export function findKeywordMatches(
  { keywords, state }: ReadContext,
  { terms, visible }: Pick<RankRequest, 'terms' | 'visible'>,
  limit: number,
): KeywordMatches | undefined {
  if (terms.length === 0) return undefined;
  const { mask, texts, tokens } = visible;
  return keywords.search(terms, { mask, lengths: state.columns.length, count: texts, tokens }, limit);
}

/** The score of a row that would come right after the last candidate of each index. */
function bestUnseenScore(
  { nearest, candidateLimit, visible, now, mode, threshold }: RankRequest,
  matches: KeywordMatches | undefined,
): number {
  const lastNearest = nearest.length < candidateLimit ? undefined : nearest.at(-1);
  const lastMatch = (matches?.hits.length ?? 0) < candidateLimit ? undefined : matches?.hits.at(-1);
  if (lastNearest === undefined && lastMatch === undefined) return -1;
  const best = scoreOf(
    scoreParts(
      {
        cosine: lastNearest === undefined ? 0 : (lastNearest.score ?? lastNearest.estimate + estimateError),
        keyword: lastMatch?.score ?? 0,
        ageMs: now - visible.newest,
        priority: visible.topPriority,
      },
      mode,
    ),
  );
  return best < threshold ? -1 : best;
}

function scoreRow(
  { state }: ReadContext,
  { vector, mode, now }: RankRequest,
  row: number,
  matches: KeywordMatches | undefined,
  knownCosine: number | undefined,
): RankedRow {
  const { validFrom, priority } = state.columns;
  const inputs = {
    cosine: vector === undefined ? 0 : (knownCosine ?? cosineOf(vector, state.vectors.ofRow(row))),
    keyword: matches?.scoreOf(row) ?? 0,
    ageMs: now - (validFrom[row] as number),
    priority: priority[row] as number,
  };
  const parts = scoreParts(inputs, mode);
  return { row, score: scoreOf(parts), parts };
}

function cosineOf(query: Float32Array, vectors: readonly Float32Array[]): number {
  return vectors.length === 0 ? 0 : bestChunk(query, vectors);
}
