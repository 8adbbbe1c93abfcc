import { frequencyIn, type Postings, postingsAmong, type TermPostings } from './postings';
import { isNet } from './word-forms';

/** The texts that a search may see. Scores depend only on these texts. */
export interface VisibleTexts {
  /**
   * The visible rows in ascending order, if they are few (a row is the integer that identifies one memory). Otherwise undefined, and `mask`
   * is 1 for each visible row and 0 for others. Rows beyond its end are not visible.
   */
  readonly few: Uint32Array | undefined;
  readonly mask: Uint8Array;
  /** For each row, the number of tokens in its text. */
  readonly lengths: Uint32Array;
  /** The number of visible rows. */
  readonly count: number;
  /** The number of tokens in all visible texts. */
  readonly tokens: number;
}

export interface KeywordHit {
  readonly row: number;
  /** A number above 0 and below 1, see `normalizedScore`. */
  readonly score: number;
}

export interface KeywordMatches {
  /** The best rows first, at most the limit of the search. If scores are equal, the lower row comes first. */
  readonly hits: readonly KeywordHit[];
  /** Returns the score of any row, even if it is not a hit. 0 if no term matches or the row is not visible. */
  scoreOf(row: number): number;
}

// The scores use BM25: Robertson and Zaragoza, 'The Probabilistic Relevance Framework: BM25 and Beyond', 2009. The constants come
// from Trotman, Jia and Crane, 'Towards an Efficient and Effective Search Engine', OSIR 2012, and are the defaults of Anserini. Most
// memories are short, and their length says little. On the dialogue turns of LoCoMo, recall@10 is 64.5 with these constants, and
// 63.2 with 1.2 and 0.75.
const k1 = 0.9;
const b = 0.4;

/**
 * Computes the inverse document frequency of a term that occurs in `holding` of `count` texts, with the formula of Lucene, which is
 * never negative. A term that occurs in no text has the highest value: ln(2 count + 2).
 */
function inverseDocumentFrequency(holding: number, count: number): number {
  return Math.log(1 + (count - holding + 0.5) / (holding + 0.5));
}

/** How much the beginning or the end of a word weighs, compared with a word of the same frequency. */
const netShare = 0.3;

/** The influence of the length of a text: `base + slope * tokens` is added to the denominator of BM25. */
interface LengthNorm {
  readonly base: number;
  readonly slope: number;
}

/** @param averageTokens The mean length of the texts, above 0. */
function lengthNorm(averageTokens: number): LengthNorm {
  return { base: k1 * (1 - b), slope: (k1 * b) / averageTokens };
}

/** Computes the weight of a term. The BM25 score is the sum of `weight * frequency / (frequency + norm)` over all terms. */
function termWeight(holding: number, count: number): number {
  return inverseDocumentFrequency(holding, count) * (k1 + 1);
}

/** Returns the BM25 sum for which `normalizedScore` returns 0.5. */
function halfScore(count: number): number {
  return inverseDocumentFrequency(0, count);
}

/**
 * Converts a BM25 sum, which has no upper limit, to a score between 0 and 1. The score is 0.5 if the sum equals the inverse document
 * frequency of a term that occurs in no text, which is `half`.
 *
 * Scores of different queries can be compared. That would not hold for a share of the best hit, or of the highest sum that a query
 * can reach: a match of many rare terms should score higher than a match of a few common terms. The score was also measured as a
 * predictor of whether the first hit is right, on the dialogue turns of LoCoMo: the area under the curve is 0.70 for this score,
 * 0.62 for the share of the highest sum, and 0.50 for the share of the best hit.
 */
function normalizedScore(sum: number, half: number): number {
  return sum / (sum + half);
}

/** Returns a BM25 sum whose `normalizedScore` is at most `score`, and at most a little less. */
function sumOfScore(score: number, half: number): number {
  return score >= 1 ? Number.POSITIVE_INFINITY : ((score * half) / (1 - score)) * (1 - 1e-9);
}

/** The scores of all visible rows that match. */
export interface KeywordScores {
  /** The rows with a score above 0, in no order. */
  readonly rows: Uint32Array;
  /** For each row, its BM25 sum. */
  readonly sums: Float64Array;
  /** The BM25 sum of a row with the score 0.5. The score of a row is `sum / (sum + half)`. */
  readonly half: number;
  /** 0 for every other row. */
  of(row: number): number;
  /** Returns the rows whose score is at least this one, or a little less. */
  reaching(score: number): Uint32Array;
  /** Returns the rows with the highest scores, best first. */
  best(limit: number): number[];
}

const noScores: KeywordScores = {
  rows: new Uint32Array(0),
  sums: new Float64Array(0),
  half: 1,
  of: () => 0,
  reaching: () => new Uint32Array(0),
  best: () => [],
};

interface ScoredTerm {
  /** The postings of the term, also those of hidden rows if many rows are visible. */
  readonly postings: TermPostings;
  readonly weight: number;
}

/** Full-text search that scores only the visible texts: hidden texts never change a score. */
export class KeywordIndex {
  readonly #postings: Postings;
  /** The BM25 sum of each row. All sums are 0 between searches. */
  #sums = new Float64Array(0);
  /** The rows whose sum is above 0. */
  #touched = new Uint32Array(0);
  /** The visible postings of the term that is being scored. */
  #visible: TermPostings = { rows: new Uint32Array(0), frequencies: new Uint16Array(0), length: 0 };

  constructor(postings: Postings) {
    this.#postings = postings;
  }

  /**
   * @param terms The result of `analyzeQuery`.
   * @param limit The largest number of hits, at least 1.
   */
  search(terms: readonly string[], texts: VisibleTexts, limit: number): KeywordMatches {
    const { mask, few, lengths, count } = texts;
    const norm = lengthNorm(texts.tokens / Math.max(1, count));
    const half = halfScore(count);
    const scored: ScoredTerm[] = [];
    const best = this.#withSums(terms, texts, norm, scored, (rows) =>
      bestRows(rows, this.#sums, limit).map((row) => ({ row, sum: this.#sums[row]! })),
    );
    return {
      hits: best.map(({ row, sum }) => ({ row, score: normalizedScore(sum, half) })),
      scoreOf: (row) =>
        few !== undefined || mask[row] === 1 ? normalizedScore(sumOf(row, scored, lengths[row]!, norm), half) : 0,
    };
  }

  /**
   * Passes the scores of all matches to `use`, and returns its result. The scores are valid during this call only.
   *
   * @param terms The result of `analyzeQuery`.
   */
  withScores<T>(terms: readonly string[], texts: VisibleTexts, use: (scores: KeywordScores) => T): T {
    if (terms.length === 0) return use(noScores);
    const norm = lengthNorm(texts.tokens / Math.max(1, texts.count));
    const half = halfScore(texts.count);
    return this.#withSums(terms, texts, norm, [], (rows) =>
      use({
        rows,
        sums: this.#sums,
        half,
        of: (row) => normalizedScore(this.#sums[row] ?? 0, half),
        reaching: (score) => rowsReaching(sumOfScore(score, half), rows, this.#sums),
        best: (limit) => bestRows(rows, this.#sums, limit),
      }),
    );
  }

  /**
   * Finds the visible rows whose texts contain at least `least` of the terms, those with more of them first, then the later ones.
   *
   * @param isWanted Decides about a row that contains enough of them.
   */
  rowsWith(terms: readonly string[], texts: VisibleTexts, least: number, isWanted: (row: number) => boolean): number[] {
    this.#grow(texts.lengths.length);
    const [counts, touched] = [this.#sums, this.#touched];
    let found = 0;
    for (const [i, term] of terms.entries()) {
      const { rows, length } = this.#visibleAmong(this.#postings.of(term), texts);
      // A row that no earlier term has cannot have enough of them any more.
      const isLate = terms.length - i < least;
      for (let at = 0; at < length; at++) {
        const row = rows[at]!;
        const count = counts[row]!;
        if (count === 0 && isLate) continue;
        if (count === 0) touched[found++] = row;
        counts[row] = count + 1;
      }
    }
    const enough: { readonly row: number; readonly count: number }[] = [];
    for (let i = 0; i < found; i++) {
      const row = touched[i]!;
      const count = counts[row]!;
      counts[row] = 0;
      if (count >= least && isWanted(row)) enough.push({ row, count });
    }
    return enough.sort((a, b) => b.count - a.count || b.row - a.row).map(({ row }) => row);
  }

  /** Adds up the terms, passes the rows with a sum above 0, and sets all sums to 0 again. Adds the terms that occur to `scored`. */
  #withSums<T>(
    terms: readonly string[],
    texts: VisibleTexts,
    norm: LengthNorm,
    scored: ScoredTerm[],
    use: (rows: Uint32Array) => T,
  ): T {
    this.#grow(texts.lengths.length);
    const found = terms.map((term) => this.#postings.of(term));
    let touched = 0;
    for (const [i, postings] of found.entries()) {
      const visible = this.#visibleAmong(postings, texts);
      if (visible.length === 0) continue;
      const weight = termWeight(visible.length, texts.count);
      const share = isNet(terms[i]!) ? netShare : 1;
      scored.push({ postings: texts.few === undefined ? postings : visible, weight: share * weight });
      touched = addTerm(
        { postings: visible, weight: share * weight },
        texts.lengths,
        norm,
        this.#sums,
        this.#touched,
        touched,
      );
    }
    const rows = this.#touched.subarray(0, touched);
    try {
      return use(rows);
    } finally {
      const sums = this.#sums;
      // Faster than an iterator, which matters for tens of thousands of rows.
      for (let i = 0; i < touched; i++) sums[rows[i]!] = 0;
    }
  }

  /**
   * Returns the postings of the visible rows. None of them has the frequency 0. They are counted and collected in one pass, because a
   * look at the mask of a row costs as much as adding its score. Valid until the next call.
   */
  #visibleAmong(postings: TermPostings, { mask, few }: VisibleTexts): TermPostings {
    if (few !== undefined) return postingsAmong(postings, few);
    const { rows, frequencies, length } = postings;
    if (this.#visible.rows.length < length) {
      const capacity = Math.ceil(length * 1.25);
      this.#visible = { rows: new Uint32Array(capacity), frequencies: new Uint16Array(capacity), length: 0 };
    }
    const visible = this.#visible;
    let count = 0;
    for (let i = 0; i < length; i++) {
      const row = rows[i]!;
      const frequency = frequencies[i]!;
      visible.rows[count] = row;
      visible.frequencies[count] = frequency;
      // Without a branch, because the processor cannot predict it if half of the rows are visible.
      count += Number(mask[row] === 1) & Number(frequency !== 0);
    }
    visible.length = count;
    return visible;
  }

  #grow(rows: number): void {
    if (this.#sums.length >= rows) return;
    const capacity = Math.ceil(rows * 1.25);
    this.#sums = new Float64Array(capacity);
    this.#touched = new Uint32Array(capacity);
  }
}

function addTerm(
  { postings: { rows, frequencies, length }, weight }: ScoredTerm,
  lengths: Uint32Array,
  { base, slope }: LengthNorm,
  sums: Float64Array,
  touchedRows: Uint32Array,
  touchedBefore: number,
): number {
  let touched = touchedBefore;
  for (let i = 0; i < length; i++) {
    const row = rows[i]!;
    const frequency = frequencies[i]!;
    const sum = sums[row]!;
    // Without a branch, because the processor could not predict it.
    touchedRows[touched] = row;
    touched += Number(sum === 0);
    sums[row] = sum + (weight * frequency) / (frequency + base + slope * lengths[row]!);
  }
  return touched;
}

/** Adds the same numbers as `addTerm` in the same order, so that both sums are equal to the last bit. */
function sumOf(row: number, scored: readonly ScoredTerm[], length: number, { base, slope }: LengthNorm): number {
  let sum = 0;
  for (const { postings, weight } of scored) {
    const frequency = frequencyIn(postings, row);
    if (frequency !== 0) sum += (weight * frequency) / (frequency + base + slope * length);
  }
  return sum;
}

function rowsReaching(sum: number, rows: Uint32Array, sums: Float64Array): Uint32Array {
  const found = new Uint32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    found[count] = rows[i]!;
    if (sums[rows[i]!]! >= sum) count++;
  }
  return found.subarray(0, count);
}

/** Returns the rows with the highest sums, in order. Keeps at most twice as many rows in memory as it returns. */
function bestRows(rows: Uint32Array, sums: Float64Array, limit: number): number[] {
  const inOrder = (a: number, b: number) => sums[b]! - sums[a]! || a - b;
  const kept: number[] = [];
  let lowest = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (sums[row]! < lowest) continue;
    kept.push(row);
    if (kept.length < 2 * limit) continue;
    kept.sort(inOrder).length = limit;
    lowest = sums[kept[limit - 1]!]!;
  }
  return kept.sort(inOrder).slice(0, limit);
}
