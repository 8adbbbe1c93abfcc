import { BestScores, rounding } from './best-scores';
import type { ReadContext } from './read-context';
import {
  priorityWeight,
  type RankedRow,
  type Ranking,
  recencyPart,
  relevanceOf,
  relevanceWeight,
  withContext,
} from './score';
import { highestInSession, neighborIn, neighborPlaces, relevanceInSession } from './session-context';
import { type Session, SessionFinder } from './sessions';
import { type SourceCap, unlimited } from './source-cap';
import { sumWithoutTime } from './time/time-boost';

/** The lowest and the highest relevance that a memory can have by itself. Both are the same if it is known exactly. */
export interface RelevanceBounds {
  readonly low: number;
  readonly high: number;
}

/** A ranking with the context of sessions. */
export interface SessionRankingRequest extends Ranking {
  readonly topK: number;
  /** How many rows of one source can be among the best. Undefined if there is no limit. */
  readonly cap?: SourceCap | undefined;
}

/** How a ranking of sessions learns what it needs to know. */
export interface RelevanceSource {
  /** The rows whose bounds are known. */
  readonly known: Map<number, RelevanceBounds>;
  /** Puts the bounds of these rows into `known`. Returns false if their vectors must be loaded first. */
  learn(rows: readonly number[]): boolean;
  /** The most rows that are learned. The memories of a session for which more are needed get no context. */
  readonly mostLearned: number;
  /** Returns the highest relevance that a row can have by itself. It costs less than to learn the bounds of a row. Undefined if nothing tells. */
  readonly highestOf: ((row: number) => number) | undefined;
  /** The keyword score of a row. */
  keywordOf(row: number): number;
  /** Computes the exact score of a row by itself. */
  score(row: number): RankedRow;
}

/** The bounds of the memories of a session, at the same places as its rows. */
interface SessionBounds {
  readonly session: Session;
  readonly lows: Float64Array;
  readonly highs: Float64Array;
}

/** A row that may be among the best, and the highest score that it can have. */
interface Finalist {
  readonly row: number;
  readonly highest: number;
  /** Undefined for a row without context. */
  readonly inSession: { readonly bounds: SessionBounds; readonly place: number } | undefined;
}

// The sessions that matter most become known with the first batch. Later batches are larger, because each takes a scan.
const firstBatch = 8;

/**
 * Ranks rows with the context of their sessions. It evaluates one session after another, beginning with the one that may have the most
 * relevant memory, until no memory of another session can be among the best. Then it computes exact scores, until no other row can be
 * among the best.
 */
export class SessionRanking {
  readonly #columns: ReadContext['state']['columns'];
  readonly #ranking: SessionRankingRequest;
  readonly #source: RelevanceSource;
  readonly #sessions: SessionFinder;
  /** The lowest scores that the best rows can have. */
  readonly #lowest: BestScores;
  readonly #mostBonus: number;
  readonly #evaluated = new Set<Session>();
  readonly #alone = new Set<number>();
  readonly #finalists: Finalist[] = [];
  readonly #scored = new Map<number, RankedRow>();
  readonly #bests = new Map<SessionBounds, number>();
  #learned = 0;

  constructor({ state }: ReadContext, ranking: SessionRankingRequest, source: RelevanceSource) {
    const { visible, now, topK, cap } = ranking;
    this.#columns = state.columns;
    this.#ranking = ranking;
    this.#source = source;
    this.#sessions = new SessionFinder(state, visible);
    this.#lowest = new BestScores(topK, cap?.most);
    this.#mostBonus = recencyPart(now - visible.newest) + priorityWeight * visible.topPriority + rounding;
  }

  /** A score that a row needs to be among the best. */
  get least(): number {
    return Math.max(this.#ranking.threshold, this.#lowest.lowest);
  }

  /**
   * Evaluates the sessions of these rows, and the rows that are in none. The last call must be with every row that may be the best of its
   * session if one of them is among the best hits.
   *
   * @param rows The rows with the highest bounds first
   * @param limit Evaluates at most so many sessions
   * @returns false if vectors must be loaded first
   */
  add(rows: Iterable<number>, limit = Number.POSITIVE_INFINITY): boolean {
    const batch = new Set<Session>();
    let [size, evaluated] = [firstBatch, 0];
    for (const row of rows) {
      if (evaluated + batch.size >= limit || !this.#mayMatter(highestInSession(this.#boundsOf(row).high))) break;
      const session = this.#sessions.of(row);
      if (session === undefined) this.#addAlone(row);
      else if (!this.#evaluated.has(session) && !batch.has(session)) {
        if (this.#mayHaveHit(session)) batch.add(session);
        else this.#evaluated.add(session);
      }
      if (batch.size < size) continue;
      if (!this.#evaluate(batch)) return false;
      evaluated += batch.size;
      batch.clear();
      size *= 2;
    }
    return this.#evaluate(batch);
  }

  /** Returns the best of the rows with exact scores, best first, and more than `topK` rows if scores are equal. */
  ranked(): RankedRow[] {
    const { topK, cap, threshold, leastRelevance } = this.#ranking;
    const best = new BestScores(topK, cap?.most);
    const ranked: RankedRow[] = [];
    for (const finalist of this.#finalists.sort((a, b) => b.highest - a.highest)) {
      if (finalist.highest < best.lowest) break;
      const source = cap?.of(finalist.row) ?? unlimited;
      if (best.hasBetter(source, finalist.highest)) continue;
      const scored = this.#scoreInSession(finalist);
      if (scored.score < threshold || relevanceOf(scored.parts) < leastRelevance) continue;
      ranked.push(scored);
      best.offer(scored.score, source);
    }
    return ranked.sort((a, b) => b.score - a.score || a.row - b.row);
  }

  /** Returns whether a memory of this relevance can be among the best, whatever its time. */
  #mayMatter(relevance: number): boolean {
    const { least } = this;
    const sum = this.#ranking.times === undefined ? least : sumWithoutTime(least);
    return relevanceWeight * relevance + this.#mostBonus >= sum;
  }

  #boundsOf(row: number): RelevanceBounds {
    return this.#source.known.get(row) as RelevanceBounds;
  }

  /**
   * Returns whether a memory of this session may be among the best, before the vectors of its memories are compared. In a store of 100,000
   * memories in sessions of five, a hybrid recall finds 86 sessions whose best memory is relevant enough. This leaves 29 of them, and 19 of 108
   * in 'keyword' mode. In 'semantic' mode it leaves half, because signs alone tell little.
   */
  #mayHaveHit({ rows }: Session): boolean {
    const { known, highestOf } = this.#source;
    if (highestOf === undefined) return true;
    const highs = new Float64Array(rows.length);
    let best = 0;
    for (let place = 0; place < rows.length; place++) {
      const row = rows[place] as number;
      const high = known.get(row)?.high ?? highestOf(row);
      highs[place] = high;
      if (high > best) best = high;
    }
    for (let place = 0; place < rows.length; place++) {
      if (this.#mayMatter(relevanceInSession(highs[place] as number, best, neighborIn(highs, place)))) return true;
    }
    return false;
  }

  #evaluate(sessions: ReadonlySet<Session>): boolean {
    const { known, mostLearned } = this.#source;
    const missing: number[] = [];
    const complete: Session[] = [];
    for (const session of sessions) {
      this.#evaluated.add(session);
      const before = missing.length;
      for (const row of session.rows) if (!known.has(row)) missing.push(row);
      if (this.#learned + missing.length <= mostLearned) complete.push(session);
      else {
        missing.length = before;
        for (const row of session.rows) if (known.has(row)) this.#addAlone(row);
      }
    }
    this.#learned += missing.length;
    if (missing.length > 0 && !this.#source.learn(missing)) return false;
    for (const session of complete) this.#addSession(session);
    return true;
  }

  #addSession(session: Session): void {
    const { rows } = session;
    const [lows, highs] = [new Float64Array(rows.length), new Float64Array(rows.length)];
    let [bestLow, bestHigh] = [0, 0];
    for (let place = 0; place < rows.length; place++) {
      const { low, high } = this.#boundsOf(rows[place] as number);
      lows[place] = low;
      highs[place] = high;
      if (low > bestLow) bestLow = low;
      if (high > bestHigh) bestHigh = high;
    }
    const bounds = { session, lows, highs };
    for (let place = 0; place < rows.length; place++) {
      const highest = relevanceInSession(highs[place] as number, bestHigh, neighborIn(highs, place));
      if (!this.#mayMatter(highest)) continue;
      const lowest = relevanceInSession(lows[place] as number, bestLow, neighborIn(lows, place));
      this.#offer(rows[place] as number, { low: lowest, high: highest }, { bounds, place });
    }
  }

  #addAlone(row: number): void {
    if (this.#alone.has(row)) return;
    this.#alone.add(row);
    this.#offer(row, this.#boundsOf(row));
  }

  #offer(row: number, { low, high }: RelevanceBounds, inSession?: Finalist['inSession']): void {
    if (!this.#mayHit(row)) return;
    const { validFrom, priority } = this.#columns;
    const ageMs = this.#ranking.now - (validFrom[row] as number);
    const bonus = recencyPart(ageMs) + priorityWeight * (priority[row] as number);
    const { times, cap, leastRelevance } = this.#ranking;
    const highestSum = relevanceWeight * high + bonus;
    const highest = (times === undefined ? highestSum : times.added(highestSum, row)) + rounding;
    const own = this.#boundsOf(row);
    if (highest < this.least || relevanceWeight * own.high + rounding < leastRelevance) return;
    // A row that may be left out in the end must not take the place of another.
    const isHit = leastRelevance === 0 || relevanceWeight * own.low - rounding >= leastRelevance;
    const lowestSum = relevanceWeight * low + bonus;
    const lowest = (times === undefined ? lowestSum : times.added(lowestSum, row)) - rounding;
    if (isHit) this.#lowest.offer(lowest, cap?.of(row) ?? unlimited);
    this.#finalists.push({ row, highest, inSession });
  }

  /** Context changes the order of hits, and makes none: each hit has a vector to compare, a word of the query, or the time that it names. */
  #mayHit(row: number): boolean {
    const { vector, visible, mode, times } = this.#ranking;
    if ((vector !== undefined && visible.vectors.has(row)) || this.#source.keywordOf(row) > 0) return true;
    return times !== undefined && mode !== 'semantic' && times.of(row) > 0;
  }

  #scoreInSession({ row, inSession }: Finalist): RankedRow {
    const scored = this.#scoreOf(row);
    if (inSession === undefined) return scored;
    const { bounds, place } = inSession;
    const relevance = (own: number) => relevanceInSession(own, this.#bestOf(bounds), this.#neighborOf(bounds, place));
    return withContext(scored, relevance, this.#ranking.times);
  }

  #scoreOf(row: number): RankedRow {
    const known = this.#scored.get(row);
    if (known !== undefined) return known;
    const scored = this.#source.score(row);
    this.#scored.set(row, scored);
    return scored;
  }

  #relevanceOf(row: number): number {
    return relevanceOf(this.#scoreOf(row).parts) / relevanceWeight;
  }

  /** The exact relevance of the best memory of a session. Reads few vectors, because the bounds tell which memories can be the best. */
  #bestOf(bounds: SessionBounds): number {
    const known = this.#bests.get(bounds);
    if (known !== undefined) return known;
    const { session, lows, highs } = bounds;
    const least = highestOf(lows);
    const places = Array.from(highs.keys()).filter((place) => (highs[place] as number) >= least);
    let best = 0;
    for (const place of places.sort((a, b) => (highs[b] as number) - (highs[a] as number))) {
      if ((highs[place] as number) < best) break;
      best = Math.max(best, this.#relevanceOf(session.rows[place] as number));
    }
    this.#bests.set(bounds, best);
    return best;
  }

  /** The exact result of `neighborIn`. */
  #neighborOf({ session, highs }: SessionBounds, place: number): number {
    const near = neighborPlaces
      .map(({ distance, share }) => ({ at: place + distance, share }))
      .filter(({ at }) => at >= 0 && at < highs.length)
      .map(({ at, share }) => ({ at, share, highest: share * (highs[at] as number) }));
    let best = 0;
    for (const { at, share, highest } of near.sort((a, b) => b.highest - a.highest)) {
      if (highest < best) break;
      best = Math.max(best, share * this.#relevanceOf(session.rows[at] as number));
    }
    return best;
  }
}

function highestOf(values: Float64Array): number {
  let highest = 0;
  for (const value of values) if (value > highest) highest = value;
  return highest;
}
