import type { KeywordScores } from '../keyword-index/keyword-index';
import type { RowEstimates } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import { type RankedRow, type RecallMode, scoreRow, scoreSum, semanticWeight } from './score';
import type { VisibleSet } from './visible-set';

/** Rows with estimates of their cosines, all from one scan of the vectors. */
export interface ScannedRows extends RowEstimates {
  readonly rows: Uint32Array;
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
 * First it scores each row with the estimate of its cosine, which has a known error. Then it reads vectors from SQLite in the order of the
 * highest scores that rows can have, until no remaining row can be among the best.
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
    for (const { row, highest } of candidatesOf(estimated, request)) {
      if (highest < best.lowest) break;
      verify(row);
    }
    return ranked.sort((a, b) => b.score - a.score || a.row - b.row);
  });
}

/** Rows with scores that were computed from estimates. */
interface EstimatedRows {
  readonly rows: Uint32Array;
  readonly scores: Float64Array;
  /** The most that each score differs from the exact score. */
  readonly errors: Float64Array;
}

function estimateAll(context: ReadContext, request: RankAllRequest, keyword: KeywordScores): EstimatedRows {
  const { visible, scanned, changed, mode, now, vector } = request;
  const { validFrom, priority } = context.state.columns;
  const capacity = scanned.rows.length + keyword.rows.length;
  const rows = new Uint32Array(capacity);
  const scores = new Float64Array(capacity);
  const errors = new Float64Array(capacity);
  const weight = semanticWeight(mode);
  let count = 0;
  const add = (row: number, cosine: number, error: number) => {
    const ageMs = now - (validFrom[row] as number);
    rows[count] = row;
    errors[count] = weight * error;
    scores[count++] = scoreSum(mode, cosine, keyword.of(row), ageMs, priority[row] as number);
  };
  for (let i = 0; i < scanned.rows.length; i++) {
    const row = scanned.rows[i] as number;
    if (visible.mask[row] === 1 && !changed.has(row))
      add(row, scanned.estimates[i] as number, scanned.errors[i] as number);
  }
  for (const row of keyword.rows) {
    const isScanned = vector !== undefined && visible.vectors.has(row);
    if (!isScanned && !changed.has(row)) add(row, 0, 0);
  }
  return { rows: rows.subarray(0, count), scores: scores.subarray(0, count), errors: errors.subarray(0, count) };
}

/** Returns the rows that can be among the best with the highest score that each can have, highest first. */
function candidatesOf(
  { rows, scores, errors }: EstimatedRows,
  { topK, threshold }: RankAllRequest,
): { row: number; highest: number }[] {
  const best = new BestScores(topK);
  for (let i = 0; i < rows.length; i++) best.offer((scores[i] as number) - (errors[i] as number));
  const least = Math.max(threshold, best.lowest);
  const candidates: { row: number; highest: number }[] = [];
  for (let i = 0; i < rows.length; i++) {
    const highest = (scores[i] as number) + (errors[i] as number);
    if (highest >= least) candidates.push({ row: rows[i] as number, highest });
  }
  return candidates.sort((a, b) => b.highest - a.highest);
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
