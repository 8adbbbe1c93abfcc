import { LRUCache } from 'lru-cache';

/** Where postings really live. What is kept in memory can be read from here again. */
export interface PostingsSource {
  /**
   * The row of every occurrence of a term: a row stands there as often as its text holds the term. In any order; empty for an
   * unknown term. It shows every change that `added` and `removed` were told of, and may already show one that they are about to
   * be told of; never one that may still be rolled back.
   */
  read(term: string): ArrayLike<number>;
}

/**
 * The rows whose texts hold one term, ascending, each with how often its text holds it (at most 65,535). The first `length`
 * entries count; a frequency of 0 marks a row whose text holds the term no more.
 */
export interface TermPostings {
  readonly rows: Uint32Array;
  readonly frequencies: Uint16Array;
  length: number;
}

const mostFrequent = 0xffff;
const bytesPerEntry = 6;
// A key, its list node and three objects: what a term costs before its first entry.
const bytesPerTerm = 300;

/** Postings by term, read when they are first asked for, kept in memory up to a bound and kept fresh there. */
export class Postings {
  readonly #truth: PostingsSource;
  readonly #cached: LRUCache<string, TermPostings>;

  /** @param maxBytes How much is kept in memory: what was asked for least recently goes first. */
  constructor(truth: PostingsSource, maxBytes = 32 * 2 ** 20) {
    this.#truth = truth;
    this.#cached = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ rows }, term) => bytesPerTerm + 2 * term.length + bytesPerEntry * rows.length,
    });
  }

  /** They change with later calls of `added` and `removed`; nobody else changes them. */
  of(term: string): TermPostings {
    const cached = this.#cached.get(term);
    if (cached !== undefined) return cached;
    const loaded = fromOccurrences(this.#truth.read(term));
    this.#cached.set(term, loaded);
    return loaded;
  }

  /** A row's text now consists of these tokens. Telling it twice changes nothing. Of a text that changes, tell `removed` first. */
  added(row: number, tokens: readonly string[]): void {
    if (this.#cached.size === 0) return;
    for (const [term, frequency] of countTokens(tokens)) {
      const postings = this.#cached.peek(term);
      if (postings === undefined) continue;
      const grown = withFrequency(postings, row, Math.min(frequency, mostFrequent));
      if (grown !== postings) this.#cached.set(term, grown);
    }
  }

  /** A row's text, which consisted of these tokens, is gone. */
  removed(row: number, tokens: readonly string[]): void {
    for (const term of new Set(tokens)) {
      const postings = this.#cached.peek(term);
      if (postings === undefined) continue;
      const at = positionOf(postings, row);
      if (at < postings.length && postings.rows[at] === row) postings.frequencies[at] = 0;
    }
  }

  /** Everything may have changed: read it all again. */
  clear(): void {
    this.#cached.clear();
  }
}

/** How often a row's text holds the term. */
export function frequencyIn(postings: TermPostings, row: number): number {
  const at = positionOf(postings, row);
  return at < postings.length && postings.rows[at] === row ? postings.frequencies[at]! : 0;
}

function countTokens(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}

function fromOccurrences(occurrences: ArrayLike<number>): TermPostings {
  const rows = Uint32Array.from(occurrences).sort();
  const frequencies = new Uint16Array(rows.length);
  let length = 0;
  for (const row of rows) {
    const last = length - 1;
    if (last >= 0 && rows[last] === row) {
      if (frequencies[last]! < mostFrequent) frequencies[last]!++;
    } else {
      rows[length] = row;
      frequencies[length++] = 1;
    }
  }
  return withRoom({ rows, frequencies, length });
}

/** The same postings, or a larger copy of them where they had no room. */
function withFrequency(postings: TermPostings, row: number, frequency: number): TermPostings {
  const at = positionOf(postings, row);
  if (at < postings.length && postings.rows[at] === row) {
    postings.frequencies[at] = frequency;
    return postings;
  }
  const target = postings.length < postings.rows.length ? postings : withRoom(postings);
  target.rows.copyWithin(at + 1, at, target.length);
  target.frequencies.copyWithin(at + 1, at, target.length);
  target.rows[at] = row;
  target.frequencies[at] = frequency;
  target.length++;
  return target;
}

/** A copy with room for more rows: from the first, so that the first write after many searches does not copy every term. */
function withRoom({ rows, frequencies, length }: TermPostings): TermPostings {
  const capacity = Math.ceil(length * 1.125) + 4;
  const roomy = { rows: new Uint32Array(capacity), frequencies: new Uint16Array(capacity), length };
  roomy.rows.set(rows.subarray(0, length));
  roomy.frequencies.set(frequencies.subarray(0, length));
  return roomy;
}

/** Where the row stands, or would stand. */
function positionOf({ rows, length }: TermPostings, row: number): number {
  if (length === 0 || rows[length - 1]! < row) return length;
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
