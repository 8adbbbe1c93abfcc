import { type LengthNorm, lengthNorm, normalised, termWeight } from './bm25';
import { frequencyIn, type Postings, type TermPostings } from './postings';

/** The texts that a search may see, and how long they are. Nothing else has any part in a score. */
export interface VisibleTexts {
  /** 1 for a visible row, 0 for others. Rows beyond its end are not visible. */
  readonly mask: Uint8Array;
  /** The number of tokens of each visible row's text, by row. */
  readonly lengths: Uint32Array;
  /** How many rows are visible and have a text. */
  readonly count: number;
  /** The sum of their lengths. */
  readonly tokens: number;
}

export interface KeywordHit {
  readonly row: number;
  /** Above 0 and below 1, see `normalised`. */
  readonly score: number;
}

export interface KeywordMatches {
  /** The best first, at most as many as were asked for; of equal ones the lower row first. */
  readonly hits: readonly KeywordHit[];
  /** The score of any row, hit or not: 0 where no term matches or the row is not visible. */
  scoreOf(row: number): number;
}

interface ScoredTerm {
  readonly postings: TermPostings;
  readonly weight: number;
}

/** Full-text search whose scores are counted over what is visible: what is hidden changes nothing. */
export class KeywordIndex {
  readonly #postings: Postings;
  /** Sums by row, all 0 between searches. */
  #sums = new Float64Array(0);
  /** The rows whose sum is not 0. */
  #touched = new Uint32Array(0);

  constructor(postings: Postings) {
    this.#postings = postings;
  }

  /**
   * @param terms From `analyzeQuery`: each once.
   * @param limit How many hits at most, at least 1.
   */
  search(terms: readonly string[], texts: VisibleTexts, limit: number): KeywordMatches {
    const { mask, lengths, count } = texts;
    const norm = lengthNorm(texts.tokens / Math.max(1, count));
    const scored = terms.flatMap((term) => scoredTerm(this.#postings.of(term), texts));
    const best = this.#best(scored, texts, norm, limit);
    return {
      hits: best.map(({ row, sum }) => ({ row, score: normalised(sum, count) })),
      scoreOf: (row) => (mask[row] === 1 ? normalised(sumOf(row, scored, lengths[row]!, norm), count) : 0),
    };
  }

  #best(
    scored: readonly ScoredTerm[],
    texts: VisibleTexts,
    norm: LengthNorm,
    limit: number,
  ): { row: number; sum: number }[] {
    this.#makeRoom(texts.mask.length);
    const sums = this.#sums;
    let touched = 0;
    for (const term of scored) touched = addTerm(term, texts, norm, sums, this.#touched, touched);
    const rows = bestRows(this.#touched.subarray(0, touched), sums, limit);
    const best = rows.map((row) => ({ row, sum: sums[row]! }));
    for (let i = 0; i < touched; i++) sums[this.#touched[i]!] = 0;
    return best;
  }

  #makeRoom(rows: number): void {
    if (this.#sums.length >= rows) return;
    const roomy = Math.ceil(rows * 1.25);
    this.#sums = new Float64Array(roomy);
    this.#touched = new Uint32Array(roomy);
  }
}

function scoredTerm(postings: TermPostings, { mask, count }: VisibleTexts): ScoredTerm[] {
  const { rows, frequencies, length } = postings;
  let holding = 0;
  for (let i = 0; i < length; i++) {
    if (mask[rows[i]!] === 1 && frequencies[i] !== 0) holding++;
  }
  return holding === 0 ? [] : [{ postings, weight: termWeight(holding, count) }];
}

function addTerm(
  { postings: { rows, frequencies, length }, weight }: ScoredTerm,
  { mask, lengths }: VisibleTexts,
  { base, slope }: LengthNorm,
  sums: Float64Array,
  touchedRows: Uint32Array,
  touchedBefore: number,
): number {
  let touched = touchedBefore;
  for (let i = 0; i < length; i++) {
    const row = rows[i]!;
    const frequency = frequencies[i]!;
    if (mask[row] !== 1 || frequency === 0) continue;
    const sum = sums[row]!;
    if (sum === 0) touchedRows[touched++] = row;
    sums[row] = sum + (weight * frequency) / (frequency + base + slope * lengths[row]!);
  }
  return touched;
}

/** The same additions in the same order as `addTerm` makes, so that the two agree to the last bit. */
function sumOf(row: number, scored: readonly ScoredTerm[], length: number, { base, slope }: LengthNorm): number {
  let sum = 0;
  for (const { postings, weight } of scored) {
    const frequency = frequencyIn(postings, row);
    if (frequency !== 0) sum += (weight * frequency) / (frequency + base + slope * length);
  }
  return sum;
}

/** Of all rows, those of the highest sums, in order. Keeps at most twice as many as it returns. */
function bestRows(rows: Uint32Array, sums: Float64Array, limit: number): number[] {
  const inOrder = (a: number, b: number) => sums[b]! - sums[a]! || a - b;
  const kept: number[] = [];
  let lowest = -1;
  for (const row of rows) {
    if (lowest >= 0 && inOrder(lowest, row) < 0) continue;
    kept.push(row);
    if (kept.length < 2 * limit) continue;
    kept.sort(inOrder).length = limit;
    lowest = kept[limit - 1]!;
  }
  return kept.sort(inOrder).slice(0, limit);
}
