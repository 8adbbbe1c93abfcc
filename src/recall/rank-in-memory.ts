import type { KeywordScores } from '../keyword-index/keyword-index';
import type { LoadedVectors, ScanningIndex, ScanTarget } from '../vector-index/vector-index';
import { BestScores, rounding } from './best-scores';
import type { ReadContext } from './read-context';
import {
  keywordPart,
  ownRelevance,
  priorityWeight,
  type RankedRow,
  type Ranking,
  type RecallMode,
  recencyPart,
  relevanceOf,
  relevanceWeight,
  scoreRow,
  scoreSum,
  semanticShareIn,
  semanticWeight,
  textsOf,
} from './score';
import { leastBestFor } from './session-context';
import { type RelevanceBounds, SessionRanking } from './session-ranking';
import { type SourceCap, unlimited } from './source-cap';
import { sumWithoutTime, timePart } from './time/time-boost';

/** The vectors that a search compares, and the index that compares them. */
export interface ComparedVectors {
  readonly index: ScanningIndex;
  readonly loaded: LoadedVectors;
}

export interface RankInMemoryRequest extends Ranking {
  readonly topK: number;
  /** How many rows of one source can be among the best. Undefined if there is no limit. */
  readonly cap?: SourceCap | undefined;
  /** Whether the other memories of a session count. */
  readonly inSessions: boolean;
  /** Undefined if the search uses no vectors. */
  readonly vectors: ComparedVectors | undefined;
}

// The vectors of so many of the best keyword matches are compared first. Then it is known which score the others must reach.
const probedMatches = 64;
const probedSessions = 8;

/**
 * Finds the best of all visible rows that have a vector, match a term, or are close to a time that the question names. Returns them with
 * exact scores, best first, and more than `topK` rows if scores are equal or if there is a cap, which the caller applies. Returns undefined
 * if vectors must be loaded again first.
 *
 * It computes from the best scores so far which keyword score, or which cosine, another row needs at least, and leaves out the rest. Then
 * it reads vectors from SQLite in the order of the highest scores that rows can have, until no other row can be among the best.
 */
export function rankInMemory(context: ReadContext, request: RankInMemoryRequest): RankedRow[] | undefined {
  const { terms, visible } = request;
  return context.keywords.withScores(terms, textsOf(context, visible), (keyword) => {
    const hits = new PossibleHits(context, request, keyword);
    const probed = new Set(keyword.best(Math.max(probedMatches, 2 * request.topK)));
    offerWithoutVector(request, keyword, hits);
    if (!offerProbed(request, probed, hits)) return undefined;
    const scanned = { keyword, probed, hits };
    if (request.inSessions) return rankedInSessions(context, request, scanned);
    const areScanned = offerTimed(request, scanned) && offerOthers(request, scanned);
    return areScanned ? verified(context, request, { keyword, hits }) : undefined;
  });
}

/** Ranks the rows with the context of their sessions. The best of the matches were offered before. */
function rankedInSessions(context: ReadContext, request: RankInMemoryRequest, found: Probed): RankedRow[] | undefined {
  const { keyword, probed, hits } = found;
  const known = new Map<number, RelevanceBounds>();
  let highestCosineOf: ((row: number) => number) | undefined;
  const { mode, visible } = request;
  const usesVectors = request.vectors !== undefined && request.vector !== undefined;
  const highestOf = (row: number) => {
    const cosine = usesVectors && visible.vectors.has(row) ? (highestCosineOf?.(row) ?? 1) : 0;
    return ownRelevance(mode, cosine, keyword.of(row)) + rounding;
  };
  const sessions = new SessionRanking(context, request, {
    ...{ known, mostLearned: Number.POSITIVE_INFINITY, highestOf, keywordOf: keyword.of },
    learn: (rows) => learnBounds(request, { keyword, known, probed }, rows),
    score: (row) => scoreRow(context, request, row, keyword.of(row)),
  });
  // The sessions of the best rows tell early which score others need.
  let areLearned = true;
  const addBest = () => {
    areLearned &&= sessions.add(hits.learned(known), probedSessions);
    hits.raise(sessions.least);
  };
  addBest();
  // A memory of the time that the question names may owe its place to one of another time, so all are compared alike.
  const areOffered =
    areLearned &&
    offerOthers({ ...request, times: undefined }, found, (highest) => {
      highestCosineOf = highest;
      addBest();
    });
  if (!areOffered || !areLearned) return undefined;
  return sessions.add(hits.learned(known)) ? sessions.ranked() : undefined;
}

/** Finds out the relevance of rows from estimates of their cosines. Returns false if vectors must be loaded again first. */
function learnBounds(
  { vectors, vector, visible, mode }: RankInMemoryRequest,
  { keyword, known, probed }: Pick<Probed, 'keyword' | 'probed'> & { readonly known: Map<number, RelevanceBounds> },
  rows: readonly number[],
): boolean {
  const usesVectors = vectors !== undefined && vector !== undefined;
  const compared = new Uint32Array(rows.length);
  let count = 0;
  for (const row of rows) {
    probed.add(row);
    const hasVector = usesVectors && visible.vectors.has(row);
    known.set(row, relevanceBounds(mode, keyword.of(row), 0, hasVector ? 1 : 0));
    if (hasVector) compared[count++] = row;
  }
  if (!usesVectors) return true;
  const wanted = compared.subarray(0, count);
  let set: Set<number> | undefined;
  const has = (row: number) => {
    // Rarely needed: for rows that have changed, and for those whose vectors do not fit into memory.
    set ??= new Set(wanted);
    return set.has(row);
  };
  return vectors.index.scan(vector, { count, has, rows: () => wanted }, vectors.loaded, {
    least: () => Number.NEGATIVE_INFINITY,
    matters: () => true,
    offer: (row, estimate, error) =>
      known.set(row, relevanceBounds(mode, keyword.of(row), estimate - error, estimate + error)),
  });
}

function relevanceBounds(mode: RecallMode, keyword: number, low: number, high: number): RelevanceBounds {
  return { low: ownRelevance(mode, low, keyword) - rounding, high: ownRelevance(mode, high, keyword) + rounding };
}

/** Offers the rows that have no vector to compare, and that match a term or are close to a time. */
function offerWithoutVector(
  { vectors, vector, visible, mode, times }: RankInMemoryRequest,
  keyword: KeywordScores,
  hits: PossibleHits,
) {
  const usesVectors = vectors !== undefined && vector !== undefined;
  if (usesVectors && visible.vectors.count === visible.texts) return;
  const isWithoutVector = (row: number) => !usesVectors || !visible.vectors.has(row);
  for (const row of keyword.rows) if (isWithoutVector(row)) hits.offer(row, 0, 0);
  if (times === undefined || mode === 'semantic' || !hits.mayTimeDecide) return;
  const { few, mask } = visible;
  const offerTimed = (row: number) => {
    if (times.of(row) > 0 && isWithoutVector(row) && keyword.of(row) === 0) hits.offer(row, 0, 0);
  };
  if (few !== undefined) few.forEach(offerTimed);
  else for (let row = 1; row < mask.length; row++) if (mask[row] === 1) offerTimed(row);
}

/** Offers the best keyword matches. Returns false if vectors must be loaded again first. */
function offerProbed(
  { vectors, vector }: RankInMemoryRequest,
  probed: ReadonlySet<number>,
  hits: PossibleHits,
): boolean {
  if (vectors === undefined || vector === undefined) return true;
  const rows = { count: probed.size, has: (row: number) => probed.has(row), rows: () => Uint32Array.from(probed) };
  return vectors.index.scan(vector, rows, vectors.loaded, {
    least: () => Number.NEGATIVE_INFINITY,
    matters: (row, highest) => hits.mayBeBest(row, highest),
    offer: (row, estimate, error) => hits.offer(row, estimate, error),
  });
}

interface Probed {
  readonly keyword: KeywordScores;
  /** The rows that were compared. They are not compared again. */
  readonly probed: Set<number>;
  readonly hits: PossibleHits;
}

/**
 * Offers the rows that are close to a time which the question names. They need a lower cosine than others, which would make the scan of all
 * rows slow. Returns false if vectors must be loaded again first.
 */
function offerTimed(
  { vectors, vector, visible, times }: RankInMemoryRequest,
  { keyword, probed, hits }: Probed,
): boolean {
  if (vectors === undefined || vector === undefined || times === undefined) return true;
  return vectors.index.scan(vector, times.among(visible.vectors), vectors.loaded, {
    least: () => hits.leastCosineTimed,
    ...boostOf(keyword, hits),
    matters: (row, highest) => hits.mayBeBest(row, highest) && !probed.has(row),
    offer: (row, estimate, error) => {
      if (!probed.has(row)) hits.offer(row, estimate, error);
    },
  });
}

function boostOf(keyword: KeywordScores, hits: PossibleHits): Pick<ScanTarget, 'boost'> {
  if (keyword.rows.length === 0) return {};
  return { boost: { rows: keyword.rows, scores: keyword.sums, weight: hits.keywordShare, half: keyword.half } };
}

/** Offers the other rows whose vectors are near enough. Returns false if vectors must be loaded again first. */
function offerOthers(
  request: RankInMemoryRequest,
  { keyword, probed, hits }: Probed,
  onNearest: ScanTarget['probed'] = () => undefined,
): boolean {
  const { vectors, vector, visible, times } = request;
  if (vectors === undefined || vector === undefined) return true;
  const isOffered = (row: number) => probed.has(row) || (times !== undefined && times.of(row) > 0);
  const target: ScanTarget = {
    least: () => hits.leastCosine,
    ...boostOf(keyword, hits),
    matters: (row, highest) => hits.mayBeBest(row, highest) && !isOffered(row),
    offer: (row, estimate, error) => {
      if (!isOffered(row)) hits.offer(row, estimate, error);
    },
    probed: onNearest,
  };
  // Then only matches can be among the best.
  if (hits.leastCosine <= highestCosine) return vectors.index.scan(vector, visible.vectors, vectors.loaded, target);
  const rows = keyword.reaching(hits.leastKeyword(highestCosine));
  const matches = { count: rows.length, has: (row: number) => keyword.of(row) > 0, rows: () => rows };
  return vectors.index.scan(vector, matches, vectors.loaded, target);
}

// Rounding may make the cosine of equal vectors a little larger than 1.
const highestCosine = 1.001;

interface Estimated {
  readonly keyword: KeywordScores;
  readonly hits: PossibleHits;
}

function verified(context: ReadContext, request: RankInMemoryRequest, { keyword, hits }: Estimated): RankedRow[] {
  const { cap } = request;
  const best = new BestScores(request.topK, cap?.most);
  const ranked: RankedRow[] = [];
  for (const { row, highest } of hits.sorted()) {
    if (highest < best.lowest) break;
    const source = cap?.of(row) ?? unlimited;
    if (best.hasBetter(source, highest)) continue;
    const scored = scoreRow(context, request, row, keyword.of(row));
    if (scored.score < request.threshold || relevanceOf(scored.parts) < request.leastRelevance) continue;
    ranked.push(scored);
    best.offer(scored.score, source);
  }
  return ranked.sort((a, b) => b.score - a.score || a.row - b.row);
}

/** A row that may be among the best, the highest score that it can have, and its cosine as far as the index knows it. */
interface PossibleHit {
  readonly row: number;
  readonly highest: number;
  readonly estimate: number;
  readonly error: number;
}

/** The rows that may be among the best, with the highest score that each can have. */
class PossibleHits {
  readonly #columns: ReadContext['state']['columns'];
  readonly #request: RankInMemoryRequest;
  readonly #keyword: KeywordScores;
  /** The lowest scores that the best rows can have. */
  readonly #lowest: BestScores;
  readonly #hits: PossibleHit[] = [];
  readonly #semanticWeight: number;
  readonly #keywordWeight: number;
  /** The most that recency and priority add to a score. */
  readonly #mostBonus: number;
  /** The score that a row needs to be among the best, and the cosine that gives it this score if it matches no term. */
  #least = 0;
  #leastRelevance = 0;
  /** The weight of keywords, as a share of the weight of cosines. */
  readonly keywordShare: number;

  constructor({ state }: ReadContext, request: RankInMemoryRequest, keyword: KeywordScores) {
    const { visible, now, mode, topK } = request;
    this.#columns = state.columns;
    this.#request = request;
    this.#keyword = keyword;
    this.#lowest = new BestScores(topK, request.cap?.most);
    this.#semanticWeight = semanticWeight(mode);
    this.#keywordWeight = keywordPart(1, semanticShareIn(mode));
    this.#mostBonus = recencyPart(now - visible.newest) + priorityWeight * visible.topPriority + rounding;
    this.keywordShare = this.#keywordWeight / this.#semanticWeight;
    this.raise(Math.max(request.threshold, request.leastRelevance - rounding));
  }

  /** The cosine that a row needs if it matches no term. Negative infinity if every row with a vector may be among the best. */
  get leastCosine(): number {
    return this.#leastRelevance > 0 ? this.#leastRelevance : Number.NEGATIVE_INFINITY;
  }

  /** The same for a row whose time is exactly one that the question names. */
  get leastCosineTimed(): number {
    const relevance = (sumWithoutTime(this.#least) - this.#mostBonus) / this.#semanticWeight;
    return relevance > 0 ? relevance : Number.NEGATIVE_INFINITY;
  }

  /** Whether a row can be among the best by its time alone, without words and meaning. */
  get mayTimeDecide(): boolean {
    return this.#mostBonus + timePart(this.#mostBonus, 1) >= this.#least;
  }

  /** Returns whether a row can be among the best if its cosine is at most `highest`. Fast, but does not look at the row's own bonus. */
  mayBeBest(row: number, highest: number): boolean {
    const keyword = this.#keywordWeight * this.#keyword.of(row);
    const most = keyword + this.#semanticWeight * Math.max(0, highest) + this.#mostBonus;
    return most >= this.#least || this.#withTime(most, row) >= this.#least;
  }

  #withTime(sum: number, row: number): number {
    const { times } = this.#request;
    return times === undefined ? sum : times.added(sum, row);
  }

  /** The keyword score that a row needs if its cosine is at most `highest`. */
  leastKeyword(highest: number): number {
    return (this.#least - this.#mostBonus - this.#semanticWeight * highest) / this.#keywordWeight - rounding;
  }

  offer(row: number, estimate: number, error: number): void {
    if (!this.mayBeBest(row, estimate + error)) return;
    const { mode, now } = this.#request;
    const keyword = this.#keyword.of(row);
    const ageMs = now - (this.#columns.validFrom[row] as number);
    const priority = this.#columns.priority[row] as number;
    const { inSessions } = this.#request;
    // In a session, a row also matters for what it adds to others, which may have more bonus.
    const highest = inSessions
      ? relevanceWeight * ownRelevance(mode, estimate + error, keyword) + this.#mostBonus
      : this.#withTime(scoreSum(mode, estimate + error, keyword, ageMs, priority), row) + rounding;
    if (highest < this.#least) return;
    this.#hits.push({ row, highest, estimate, error });
    // The context of a session makes no score lower.
    const lowest = this.#withTime(scoreSum(mode, estimate - error, keyword, ageMs, priority), row) - rounding;
    // A row that may be left out in the end must not take the place of another.
    const relevance = this.#keywordWeight * keyword + this.#semanticWeight * Math.min(1, Math.max(0, estimate - error));
    if (relevance - rounding < this.#request.leastRelevance && this.#request.leastRelevance > 0) return;
    this.#lowest.offer(lowest, this.#request.cap?.of(row) ?? unlimited);
    this.raise(this.#lowest.lowest);
  }

  /** Takes note of a score that so many of the best rows reach, with the context of their sessions. */
  raise(score: number): void {
    const least = this.#request.inSessions ? this.#leastOfBest(score) : score;
    this.#least = Math.max(this.#least, least);
    this.#leastRelevance = (this.#least - this.#mostBonus) / this.#semanticWeight;
  }

  /** The score that the best memory of a session needs by itself, without the time, so that any of the session can have this score. */
  #leastOfBest(score: number): number {
    const sum = this.#request.times === undefined ? score : sumWithoutTime(score);
    return relevanceWeight * leastBestFor((sum - this.#mostBonus) / relevanceWeight) + this.#mostBonus;
  }

  /** Puts the bounds of the rows that may still matter into `known`, and returns these rows, highest first. */
  learned(known: Map<number, RelevanceBounds>): number[] {
    const { mode } = this.#request;
    const sorted = this.sorted();
    for (const { row, estimate, error } of sorted) {
      if (!known.has(row))
        known.set(row, relevanceBounds(mode, this.#keyword.of(row), estimate - error, estimate + error));
    }
    return sorted.map(({ row }) => row);
  }

  /** Returns the rows that may still be among the best, highest first. */
  sorted(): PossibleHit[] {
    return this.#hits.filter(({ highest }) => highest >= this.#least).sort((a, b) => b.highest - a.highest);
  }
}
