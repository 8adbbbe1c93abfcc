import type { ScoreParts } from '../domain/memory';
import type { KeywordMatches, VisibleTexts } from '../keyword-index/keyword-index';
import { bestChunk } from '../vector-index/kernel/dot';
import type { VectorCandidate } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { type TimeBoost, timePart } from './time/time-boost';
import type { VisibleSet } from './visible-set';

export type RecallMode = 'hybrid' | 'semantic' | 'keyword';

/** The values that determine the score of one candidate. */
export interface ScoreInputs {
  /** The cosine of the query's vector and the memory's vector; 0 if one of them is missing. */
  readonly cosine: number;
  /** The keyword score, from 0 to 1; 0 if no term matches. */
  readonly keyword: number;
  /** Milliseconds since `validFrom`. Negative if `validFrom` is in the future. */
  readonly ageMs: number;
  /** From 0 to 1. */
  readonly priority: number;
}

// Relevance has nearly all the weight. Recency and priority only decide between memories of nearly equal relevance. On the LoCoMo
// benchmark, weights of 0.05 for recency and priority reduced recall@10 by 0.3 to 0.5 points if they were unrelated to the question.
export const relevanceWeight = 0.94;
const recencyWeight = 0.03;
export const priorityWeight = 0.03;

/**
 * The difference between an estimate and the cosine that a search through the approximate index allows for. Estimates use vectors that are
 * rounded to bytes; with 384 dimensions most differ by less than a few thousandths. An exact search uses the bound of each row instead.
 */
export const estimateError = 0.01;

// Chosen with half of the conversations in the LoCoMo benchmark, for the built-in model and MiniLM together:
// `npm run bench -- --only fusion-locomo`.
const semanticShare = 0.4;
const halfLifeMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Computes the parts of a score. They depend only on the candidate, the query and the memories that the caller may see, so scores from
 * different calls can be compared. Their sum is from 0 to 1.
 *
 * - Relevance, up to 0.94. In 'hybrid' mode: 0.4 x cosine + 0.6 x keyword score. In 'semantic' mode: the cosine. In 'keyword' mode: the
 *   keyword score. A negative cosine counts as 0.
 * - Recency, up to 0.03. It halves every 30 days after `validFrom`.
 * - Priority, up to 0.03: the memory's priority.
 *
 * If the question names a time, `timePart` adds a part that depends on the sum of these.
 */
export function scoreParts({ cosine, keyword, ageMs, priority }: ScoreInputs, mode: RecallMode): ScoreParts {
  const share = semanticShareIn(mode);
  return {
    ...(mode === 'keyword' ? {} : { semantic: semanticPart(cosine, share) }),
    ...(mode === 'semantic' ? {} : { keyword: keywordPart(keyword, share) }),
    recency: recencyPart(ageMs),
    priority: priorityWeight * priority,
  };
}

/** Computes the sum of the parts. It is fast for many rows, because it makes no object for each. */
export function scoreSum(mode: RecallMode, cosine: number, keyword: number, ageMs: number, priority: number): number {
  const share = semanticShareIn(mode);
  return semanticPart(cosine, share) + keywordPart(keyword, share) + recencyPart(ageMs) + priorityWeight * priority;
}

/** Returns the maximum change of a score if the cosine changes by 1. */
export function semanticWeight(mode: RecallMode): number {
  return relevanceWeight * semanticShareIn(mode);
}

export function semanticShareIn(mode: RecallMode): number {
  return mode === 'hybrid' ? semanticShare : mode === 'semantic' ? 1 : 0;
}

function semanticPart(cosine: number, share: number): number {
  return relevanceWeight * share * Math.min(1, Math.max(0, cosine));
}

export function keywordPart(keyword: number, share: number): number {
  return relevanceWeight * (1 - share) * keyword;
}

export function recencyPart(ageMs: number): number {
  return recencyWeight * 2 ** (-Math.max(0, ageMs) / halfLifeMs);
}

/** Adds up the parts. The order is always the same, because floating-point addition is not associative. */
export function scoreOf({ semantic = 0, keyword = 0, context = 0, recency, priority, time = 0 }: ScoreParts): number {
  return semantic + keyword + context + recency + priority + time;
}

/** Computes the relevance of a memory by itself, from 0 to 1. */
export function ownRelevance(mode: RecallMode, cosine: number, keyword: number): number {
  const share = semanticShareIn(mode);
  return share * Math.min(1, Math.max(0, cosine)) + (1 - share) * keyword;
}

/**
 * Adds the part for the context of a session. Its relevance, which is not lower, replaces the relevance of the memory itself.
 *
 * @param times Undefined if the question names no time
 */
export function withContext(
  { row, parts }: RankedRow,
  relevance: (own: number) => number,
  times: TimeBoost | undefined,
): RankedRow {
  const own = relevanceOf(parts) / relevanceWeight;
  const context = Math.max(0, relevanceWeight * (relevance(own) - own));
  const { recency, priority, time: _, ...rest } = parts;
  const inSession: ScoreParts = { ...rest, context, recency, priority };
  if (times !== undefined) inSession.time = timePart(scoreOf(inSession), times.of(row));
  return { row, score: scoreOf(inSession), parts: inSession };
}

/**
 * The least relevance of a hit that is likely to answer, by mode. Measured with `npm run bench -- --only quality-threshold`: it keeps at least
 * 93 % of the right answers, and at most 7 % of the best hits of questions that no text answers. See docs/scoring.md.
 */
export const likelyRelevance: Readonly<Record<RecallMode, number>> = { hybrid: 0.42, keyword: 0.42, semantic: 0.46 };

/** Adds up the parts that say how well a memory matches the query: not its age, its priority, its time or its session. */
export function relevanceOf({ semantic = 0, keyword = 0 }: ScoreParts): number {
  return semantic + keyword;
}

/** A row with its score, before its record is loaded. */
export interface RankedRow {
  readonly row: number;
  readonly score: number;
  readonly parts: ScoreParts;
}

/** The rows that may be among the best, in groups by how they were found. */
export interface Candidates {
  /** The nearest vectors, best first. */
  readonly nearest: readonly VectorCandidate[];
  /** Keyword matches that may be among the best when their vectors are scored too. */
  readonly fused: readonly VectorCandidate[];
  /** The keyword matches from which `fused` was chosen. Undefined if `fused` was not computed. */
  readonly keywordMatches: KeywordMatches | undefined;
}

/** What every ranking needs to know of a search. */
export interface Ranking {
  readonly mode: RecallMode;
  readonly threshold: number;
  /** The least sum of the semantic and the keyword part. */
  readonly leastRelevance: number;
  readonly now: number;
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
  readonly visible: VisibleSet;
  /** Undefined if the question names no time. */
  readonly times: TimeBoost | undefined;
  /** Called for each row whose exact score is computed. */
  readonly onScored?: (() => void) | undefined;
}

export interface RankRequest extends Ranking, Candidates {
  /** The maximum number of keyword matches among the candidates. */
  readonly candidateLimit: number;
}

/** Scores the candidates from both indexes with one formula, and sorts them, best first. */
export function rank(context: ReadContext, request: RankRequest): RankedRow[] {
  const { threshold, leastRelevance } = request;
  return scoreCandidates(context, request)
    .ranked.filter(({ score, parts }) => score >= threshold && relevanceOf(parts) >= leastRelevance)
    .sort((a, b) => b.score - a.score || a.row - b.row);
}

/** Scores the candidates from both indexes with one formula. Also returns the keyword score of any row. */
export function scoreCandidates(
  context: ReadContext,
  request: RankRequest,
): { readonly ranked: RankedRow[]; readonly keywordOf: (row: number) => number } {
  const { visible, nearest, fused, candidateLimit } = request;
  const matches = request.keywordMatches ?? findKeywordMatches(context, request, candidateLimit);
  const keywordOf = (row: number) => matches?.scoreOf(row) ?? 0;
  const cosines = new Map(nearest.map(({ row, score }) => [row, score]));
  const rows = new Set([...cosines.keys()].filter((row) => visible.vectors.has(row)));
  if (request.keywordMatches === undefined) for (const { row } of matches?.hits ?? []) rows.add(row);
  for (const { row } of fused) if (visible.has(row)) rows.add(row);
  const ranked = [...rows].map((row) => scoreRow(context, request, row, keywordOf(row), cosines.get(row)));
  return { ranked, keywordOf };
}

/** The texts whose words count for a search: those of the visible rows alone. */
export function textsOf({ state }: ReadContext, { mask, few, texts, tokens }: VisibleSet): VisibleTexts {
  return { mask, few, lengths: state.columns.length, count: texts, tokens };
}

/** Finds the rows that match the query's terms, best first. Undefined if the query has no terms. */
export function findKeywordMatches(
  context: ReadContext,
  { terms, visible }: Pick<Ranking, 'terms' | 'visible'>,
  limit: number,
): KeywordMatches | undefined {
  if (terms.length === 0) return undefined;
  return context.keywords.search(terms, textsOf(context, visible), limit);
}

/** Computes the exact score of a row. Reads its vectors, unless the cosine is known. */
export function scoreRow(
  { state }: ReadContext,
  { vector, mode, now, times, onScored }: Pick<Ranking, 'vector' | 'mode' | 'now' | 'times' | 'onScored'>,
  row: number,
  keyword: number,
  knownCosine?: number,
): RankedRow {
  const { validFrom, priority } = state.columns;
  const inputs = {
    cosine: vector === undefined ? 0 : (knownCosine ?? cosineOf(vector, state.vectors.ofRow(row))),
    keyword,
    ageMs: now - (validFrom[row] as number),
    priority: priority[row] as number,
  };
  const parts = scoreParts(inputs, mode);
  if (times !== undefined) parts.time = timePart(scoreOf(parts), times.of(row));
  onScored?.();
  return { row, score: scoreOf(parts), parts };
}

function cosineOf(query: Float32Array, vectors: readonly Float32Array[]): number {
  return vectors.length === 0 ? 0 : bestChunk(query, vectors);
}
