import type { KeywordScores } from '../keyword-index/keyword-index';
import type { ReadContext } from './read-context';
import { estimateError, type RankedRow, type RecallMode, scoreRow, scoreSum, semanticWeight } from './score';
import type { VisibleSet } from './visible-set';

/** Rows with estimates of their cosines, all from one scan of the vectors. */
export interface ScannedRows {
  readonly rows: Uint32Array;
  /** One estimate for each row, in the order of `rows`. */
  readonly estimates: Float64Array;
}

export interface RankAllRequest {
  readonly mode: RecallMode;
  readonly threshold: number;
  readonly topK: number;
  readonly now: number;
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
  readonly visible: VisibleSet;
  readonly scanned: ScannedRows;
  /** The rows that changed after the scan. Their estimates cannot be used. */
  readonly changed: ReadonlySet<number>;
}

/**
 * Finds the best of all visible rows that have a vector or match a term. Returns them with exact scores, best first, and more than `topK`
 * rows if scores are equal.
 *
 * First it scores each row with the estimate of its cosine. Then it reads vectors from SQLite in the order of these scores, until no
 * remaining row can be among the best. This is possible because an estimate differs from the cosine by at most `estimateError`.
 */
export function rankAll(context: ReadContext, request: RankAllRequest): RankedRow[] {
  const { terms, visible } = request;
  const { mask, texts, tokens } = visible;
  const lengths = context.state.columns.length;
  return context.keywords.withScores(terms, { mask, lengths, count: texts, tokens }, (keyword) => {
    const best = new BestScores(request.topK);
    const ranked: RankedRow[] = [];
    const verify = (row: number) => {
      const scored = scoreRow(context, request, row, keyword.of(row));
      if (scored.score < request.threshold) return;
      ranked.push(scored);
      best.offer(scored.score);
    };
    const { vectors } = visible;
    for (const row of request.changed) if (vectors.has(row) || keyword.of(row) > 0) verify(row);
    const estimated = estimateAll(context, request, keyword);
    const error = request.vector === undefined ? 0 : semanticWeight(request.mode) * estimateError;
    for (const { row, score } of candidatesOf(estimated, request, error)) {
      if (score + error < best.lowest) break;
      verify(row);
    }
    return ranked.sort((a, b) => b.score - a.score || a.row - b.row);
  });
}

/** Rows with scores that were computed from estimates. */
interface EstimatedRows {
  readonly rows: Uint32Array;
  readonly scores: Float64Array;
}

function estimateAll(context: ReadContext, request: RankAllRequest, keyword: KeywordScores): EstimatedRows {
  const { visible, scanned, changed, mode, now, vector } = request;
  const { validFrom, priority } = context.state.columns;
  const capacity = scanned.rows.length + keyword.rows.length;
  const rows = new Uint32Array(capacity);
  const scores = new Float64Array(capacity);
  let count = 0;
  const add = (row: number, cosine: number) => {
    const ageMs = now - (validFrom[row] as number);
    rows[count] = row;
    scores[count++] = scoreSum(mode, cosine, keyword.of(row), ageMs, priority[row] as number);
  };
  for (let i = 0; i < scanned.rows.length; i++) {
    const row = scanned.rows[i] as number;
    if (visible.mask[row] === 1 && !changed.has(row)) add(row, scanned.estimates[i] as number);
  }
  for (const row of keyword.rows) {
    const isScanned = vector !== undefined && visible.vectors.has(row);
    if (!isScanned && !changed.has(row)) add(row, 0);
  }
  return { rows: rows.subarray(0, count), scores: scores.subarray(0, count) };
}

/** Returns the rows that can be among the best, ordered by estimated score, highest first. */
function candidatesOf(
  { rows, scores }: EstimatedRows,
  { topK, threshold }: RankAllRequest,
  error: number,
): { row: number; score: number }[] {
  const best = new BestScores(topK);
  for (const score of scores) best.offer(score);
  // The exact score of the k-th best row is at least its estimated score minus the error. Other rows must be able to reach this score.
  const least = Math.max(threshold - error, best.lowest - 2 * error);
  const candidates: { row: number; score: number }[] = [];
  for (let i = 0; i < rows.length; i++) {
    const score = scores[i] as number;
    if (score >= least) candidates.push({ row: rows[i] as number, score });
  }
  return candidates.sort((a, b) => b.score - a.score);
}

/** Keeps the k highest of all scores that it is offered. */
class BestScores {
  readonly #limit: number;
  /** The scores in ascending order. */
  readonly #scores: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lowest of the k scores, or minus infinity while there are fewer than k. */
  get lowest(): number {
    return this.#scores.length < this.#limit ? Number.NEGATIVE_INFINITY : (this.#scores[0] as number);
  }

  offer(score: number): void {
    if (score <= this.lowest) return;
    let at = this.#scores.length;
    while (at > 0 && (this.#scores[at - 1] as number) > score) at--;
    this.#scores.splice(at, 0, score);
    if (this.#scores.length > this.#limit) this.#scores.shift();
  }
}
