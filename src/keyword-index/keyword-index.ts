import { frequencyIn, type Postings, type TermPostings } from './postings';

/** The texts that a search may see. Scores depend on these texts and on nothing else. */
export interface VisibleTexts {
  /** 1 for a visible row, else 0. Rows beyond its end are not visible. */
  readonly mask: Uint8Array;
  /** The number of tokens of each row's text, by row. */
  readonly lengths: Uint32Array;
  /** The number of visible rows. */
  readonly count: number;
  /** The number of tokens in all visible texts. */
  readonly tokens: number;
}

export interface KeywordHit {
  readonly row: number;
  /** Above 0 and below 1, see `normalizedScore`. */
  readonly score: number;
}

export interface KeywordMatches {
  /** The best first, up to the limit of the search. Among equal scores the lower row comes first. */
  readonly hits: readonly KeywordHit[];
  /** The score of any row, hit or not: 0 if no term matches or the row is not visible. */
  scoreOf(row: number): number;
}

// BM25: Robertson and Zaragoza, 'The Probabilistic Relevance Framework: BM25 and Beyond', 2009. The constants are those of
// Trotman, Jia and Crane, 'Towards an Efficient and Effective Search Engine', OSIR 2012, and Anserini's defaults. Memories are
// mostly short, and their length says little: on LoCoMo's turns recall@10 is 64.5 with these, 63.2 with 1.2 and 0.75.
const k1 = 0.9;
const b = 0.4;

/**
 * The inverse document frequency of a term that `holding` of `count` texts hold, in Lucene's form, which is never negative. A
 * term that no text holds has the highest: ln(2 count + 2).
 */
function inverseDocumentFrequency(holding: number, count: number): number {
  return Math.log(1 + (count - holding + 0.5) / (holding + 0.5));
}

/** The length of a text adds `base + slope * tokens` to the denominator of BM25. */
interface LengthNorm {
  readonly base: number;
  readonly slope: number;
}

/** @param averageTokens The mean length of the texts, above 0. */
function lengthNorm(averageTokens: number): LengthNorm {
  return { base: k1 * (1 - b), slope: (k1 * b) / averageTokens };
}

/** The weight of a term in BM25's sum of `weight * frequency / (frequency + norm)`. */
function termWeight(holding: number, count: number): number {
  return inverseDocumentFrequency(holding, count) * (k1 + 1);
}

/**
 * Maps a BM25 sum, which has no upper bound, to a score between 0 and 1. The score is one half for a sum as high as the inverse
 * document frequency of a term that no text holds. `count` is the number of texts.
 *
 * This score compares between queries. A share of the best hit, or of the highest sum that a query can reach, does not: one
 * match of many rare terms should score higher than one match of a few common terms. As a predictor of whether the first hit is
 * right, on LoCoMo's turns, this score has an area under the curve of 0.70, the share of the highest sum 0.62, the share of the
 * best hit 0.50.
 */
function normalizedScore(sum: number, count: number): number {
  return sum / (sum + inverseDocumentFrequency(0, count));
}

interface ScoredTerm {
  readonly postings: TermPostings;
  readonly weight: number;
}

/** Full-text search with scores over the visible texts: hidden texts never change a score. */
export class KeywordIndex {
  readonly #postings: Postings;
  /** BM25 sums by row. All are 0 between searches. */
  #sums = new Float64Array(0);
  /** The rows with a sum above 0. */
  #touched = new Uint32Array(0);

  constructor(postings: Postings) {
    this.#postings = postings;
  }

  /**
   * @param terms The result of `analyzeQuery`.
   * @param limit The largest number of hits, at least 1.
   */
  search(terms: readonly string[], texts: VisibleTexts, limit: number): KeywordMatches {
    const { mask, lengths, count } = texts;
    const norm = lengthNorm(texts.tokens / Math.max(1, count));
    const scored = terms.flatMap((term) => scoredTerm(this.#postings.of(term), texts));
    const best = this.#best(scored, texts, norm, limit);
    return {
      hits: best.map(({ row, sum }) => ({ row, score: normalizedScore(sum, count) })),
      scoreOf: (row) => (mask[row] === 1 ? normalizedScore(sumOf(row, scored, lengths[row]!, norm), count) : 0),
    };
  }

  #best(
    scored: readonly ScoredTerm[],
    texts: VisibleTexts,
    norm: LengthNorm,
    limit: number,
  ): { row: number; sum: number }[] {
    this.#grow(texts.mask.length);
    const sums = this.#sums;
    let touched = 0;
    for (const term of scored) touched = addTerm(term, texts, norm, sums, this.#touched, touched);
    const rows = bestRows(this.#touched.subarray(0, touched), sums, limit);
    const best = rows.map((row) => ({ row, sum: sums[row]! }));
    for (let i = 0; i < touched; i++) sums[this.#touched[i]!] = 0;
    return best;
  }

  #grow(rows: number): void {
    if (this.#sums.length >= rows) return;
    const capacity = Math.ceil(rows * 1.25);
    this.#sums = new Float64Array(capacity);
    this.#touched = new Uint32Array(capacity);
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

/** The additions of `addTerm` in the same order, so that both give the same sum to the last bit. */
function sumOf(row: number, scored: readonly ScoredTerm[], length: number, { base, slope }: LengthNorm): number {
  let sum = 0;
  for (const { postings, weight } of scored) {
    const frequency = frequencyIn(postings, row);
    if (frequency !== 0) sum += (weight * frequency) / (frequency + base + slope * length);
  }
  return sum;
}

/** The rows with the highest sums, in order. Holds at most twice as many rows as it returns. */
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
