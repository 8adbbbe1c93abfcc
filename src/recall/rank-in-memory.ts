import type { KeywordScores } from '../keyword-index/keyword-index';
import type { LoadedVectors, ScanningIndex, ScanTarget, VisibleRows } from '../vector-index/vector-index';
import type { ReadContext } from './read-context';
import {
  keywordPart,
  priorityWeight,
  type RankedRow,
  type Ranking,
  recencyPart,
  scoreRow,
  scoreSum,
  semanticShareIn,
  semanticWeight,
  textsOf,
} from './score';

/** The vectors that a search compares, and the index that compares them. */
export interface ComparedVectors {
  readonly index: ScanningIndex;
  readonly loaded: LoadedVectors;
}

export interface RankInMemoryRequest extends Ranking {
  readonly topK: number;
  /** Undefined if the search uses no vectors. */
  readonly vectors: ComparedVectors | undefined;
}

// The vectors of so many of the best keyword matches are compared first. Then it is known which score the others must reach.
const probedMatches = 64;

/**
 * Finds the best of all visible rows that have a vector or match a term. Returns them with exact scores, best first, and more than `topK`
 * rows if scores are equal. Returns undefined if vectors must be loaded again first.
 *
 * It computes from the best scores so far which keyword score, or which cosine, another row needs at least, and leaves out the rest. Then
 * it reads vectors from SQLite in the order of the highest scores that rows can have, until no other row can be among the best.
 */
export function rankInMemory(context: ReadContext, request: RankInMemoryRequest): RankedRow[] | undefined {
  const { terms, visible } = request;
  return context.keywords.withScores(terms, textsOf(context, visible), (keyword) => {
    const hits = new PossibleHits(context, request, keyword);
    const areScanned = offerMatches(request, keyword, hits) && offerOthers(request, keyword, hits);
    return areScanned ? verified(context, request, { keyword, hits }) : undefined;
  });
}

/** Offers the rows that match a term. Returns false if vectors must be loaded again first. */
function offerMatches(request: RankInMemoryRequest, keyword: KeywordScores, hits: PossibleHits): boolean {
  const probed = keyword.best(Math.max(probedMatches, 2 * request.topK));
  const isProbed = new Set(probed);
  const probes = {
    count: probed.length,
    has: (row: number) => isProbed.has(row),
    rows: () => Uint32Array.from(probed),
  };
  if (!offerRows(request, probes, hits, () => true)) return false;
  const matches = { count: keyword.rows.length, has: (row: number) => keyword.of(row) > 0, rows: () => keyword.rows };
  return offerRows(request, matches, hits, (row) => !isProbed.has(row));
}

function offerRows(
  { vectors, vector, visible }: RankInMemoryRequest,
  rows: VisibleRows,
  hits: PossibleHits,
  isOffered: (row: number) => boolean,
): boolean {
  const usesVectors = vectors !== undefined && vector !== undefined;
  if (!usesVectors || visible.vectors.count < visible.texts) {
    for (const row of rows.rows()) {
      if (!(usesVectors && visible.vectors.has(row)) && isOffered(row)) hits.offer(row, 0, 0);
    }
  }
  if (!usesVectors) return true;
  return vectors.index.scan(vector, rows, vectors.loaded, {
    least: () => Number.NEGATIVE_INFINITY,
    matters: (row, highest) => hits.mayBeBest(row, highest) && isOffered(row),
    offer: (row, estimate, error) => {
      if (isOffered(row)) hits.offer(row, estimate, error);
    },
  });
}

/** Offers the rows that match no term and whose vectors are near enough. Returns false if vectors must be loaded again first. */
function offerOthers(request: RankInMemoryRequest, keyword: KeywordScores, hits: PossibleHits): boolean {
  const { vectors, vector, visible } = request;
  if (vectors === undefined || vector === undefined || hits.leastCosine > highestCosine) return true;
  const target: ScanTarget = {
    least: () => hits.leastCosine,
    matters: (row) => keyword.of(row) === 0,
    offer: (row, estimate, error) => {
      if (keyword.of(row) === 0) hits.offer(row, estimate, error);
    },
  };
  return vectors.index.scan(vector, visible.vectors, vectors.loaded, target);
}

// Rounding may make the cosine of equal vectors a little larger than 1.
const highestCosine = 1.001;

interface Estimated {
  readonly keyword: KeywordScores;
  readonly hits: PossibleHits;
}

function verified(context: ReadContext, request: RankInMemoryRequest, { keyword, hits }: Estimated): RankedRow[] {
  const best = new BestScores(request.topK);
  const ranked: RankedRow[] = [];
  for (const { row, highest } of hits.sorted()) {
    if (highest < best.lowest) break;
    const scored = scoreRow(context, request, row, keyword.of(row));
    if (scored.score < request.threshold) continue;
    ranked.push(scored);
    best.offer(scored.score);
  }
  return ranked.sort((a, b) => b.score - a.score || a.row - b.row);
}

/** The rows that may be among the best, with the highest score that each can have. */
class PossibleHits {
  readonly #columns: ReadContext['state']['columns'];
  readonly #request: RankInMemoryRequest;
  readonly #keyword: KeywordScores;
  /** The lowest scores that the best rows can have. */
  readonly #lowest: BestScores;
  readonly #hits: { readonly row: number; readonly highest: number }[] = [];
  readonly #semanticWeight: number;
  readonly #keywordWeight: number;
  /** The most that recency and priority add to a score. */
  readonly #mostBonus: number;

  constructor({ state }: ReadContext, request: RankInMemoryRequest, keyword: KeywordScores) {
    const { visible, now, mode, topK } = request;
    this.#columns = state.columns;
    this.#request = request;
    this.#keyword = keyword;
    this.#lowest = new BestScores(topK);
    this.#semanticWeight = semanticWeight(mode);
    this.#keywordWeight = keywordPart(1, semanticShareIn(mode));
    this.#mostBonus = recencyPart(now - visible.newest) + priorityWeight * visible.topPriority + rounding;
  }

  /** The score that a row needs to be among the best. */
  get #least(): number {
    return Math.max(this.#request.threshold, this.#lowest.lowest);
  }

  /** The cosine that a row needs if it matches no term. Negative infinity if every row with a vector may be among the best. */
  get leastCosine(): number {
    const least = (this.#least - this.#mostBonus) / this.#semanticWeight;
    return least > 0 ? least : Number.NEGATIVE_INFINITY;
  }

  /** Returns whether a row can be among the best if its cosine is at most `highest`. Fast, but does not look at the row's own bonus. */
  mayBeBest(row: number, highest: number): boolean {
    const keyword = this.#keywordWeight * this.#keyword.of(row);
    return keyword + this.#semanticWeight * Math.max(0, highest) + this.#mostBonus >= this.#least;
  }

  offer(row: number, estimate: number, error: number): void {
    if (!this.mayBeBest(row, estimate + error)) return;
    const { mode, now } = this.#request;
    const keyword = this.#keyword.of(row);
    const ageMs = now - (this.#columns.validFrom[row] as number);
    const priority = this.#columns.priority[row] as number;
    const highest = scoreSum(mode, estimate + error, keyword, ageMs, priority) + rounding;
    if (highest < this.#least) return;
    this.#lowest.offer(scoreSum(mode, estimate - error, keyword, ageMs, priority) - rounding);
    this.#hits.push({ row, highest });
  }

  /** Returns the rows that may still be among the best, highest first. */
  sorted(): { readonly row: number; readonly highest: number }[] {
    return this.#hits.filter(({ highest }) => highest >= this.#least).sort((a, b) => b.highest - a.highest);
  }
}

// More than the errors of adding a few numbers below 1.
const rounding = 1e-12;

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
