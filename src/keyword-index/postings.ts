import { LRUCache } from 'lru-cache';
import { maxFrequency } from './posting-pages';

/** Reads the stored postings (which rows contain which term) to fill the cache. */
export interface PostingsSource {
  /**
   * Returns the rows that have a term, and how often each has it. They are empty for an unknown term. The result includes every change for which `added` or `removed` was called. It may include a change
   * for which they are about to be called, but never a change that may still be rolled back.
   */
  read(term: string): TermPostings;
}

/**
 * The rows whose texts contain one term, in ascending order, and the number of occurrences in each text (at most 65,535). Only the
 * first `length` entries are used. A frequency of 0 means that the text of the row no longer contains the term.
 */
export interface TermPostings {
  readonly rows: Uint32Array;
  readonly frequencies: Uint16Array;
  length: number;
}

const bytesPerEntry = 6;
// The memory for the key, its list node and three objects.
const bytesPerTerm = 300;

/** A cache of postings by term, with a limit of memory. It follows every change of a text. */
export class Postings {
  readonly #source: PostingsSource;
  readonly #cached: LRUCache<string, TermPostings>;

  /** @param maxBytes The limit of memory. The least recently used terms are evicted first. */
  constructor(source: PostingsSource, maxBytes = 32 * 2 ** 20) {
    this.#source = source;
    this.#cached = new LRUCache({
      // `LRUCache` would take 0 for no limit.
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ rows }, term) => bytesPerTerm + 2 * term.length + bytesPerEntry * rows.length,
    });
  }

  /** The approximate number of bytes of RAM. */
  get bytes(): number {
    return this.#cached.calculatedSize;
  }

  /** Returns the postings of a term. Later calls of `added` and `removed` change the returned object. Callers must not change it. */
  of(term: string): TermPostings {
    const cached = this.#cached.get(term);
    if (cached !== undefined) return cached;
    const loaded = withSpareRoom(this.#source.read(term));
    this.#cached.set(term, loaded);
    return loaded;
  }

  /** Records that a row now has a text with these tokens. Repeating the call changes nothing. For a changed text, call `removed` first. */
  added(row: number, tokens: readonly string[]): void {
    if (this.#cached.size === 0) return;
    for (const [term, frequency] of countTokens(tokens)) {
      const postings = this.#cached.peek(term);
      if (postings === undefined) continue;
      const grown = withFrequency(postings, row, Math.min(frequency, maxFrequency));
      if (grown !== postings) this.#cached.set(term, grown);
    }
  }

  /** Records that a row no longer has its text with these tokens. */
  removed(row: number, tokens: readonly string[]): void {
    for (const term of new Set(tokens)) {
      const postings = this.#cached.peek(term);
      if (postings === undefined) continue;
      const at = positionOf(postings, row);
      if (at < postings.length && postings.rows[at] === row) postings.frequencies[at] = 0;
    }
  }

  /** Removes all postings from the cache. They are read again when they are needed. */
  clear(): void {
    this.#cached.clear();
  }
}

/** Returns how often the term occurs in the text of a row. */
export function frequencyIn(postings: TermPostings, row: number): number {
  const at = positionOf(postings, row);
  return at < postings.length && postings.rows[at] === row ? postings.frequencies[at]! : 0;
}

/** Returns the postings of those rows alone that are in a list in ascending order. None of them has the frequency 0. */
export function postingsAmong(postings: TermPostings, few: Uint32Array): TermPostings {
  const { rows, frequencies, length } = postings;
  const capacity = Math.min(few.length, length);
  const found = { rows: new Uint32Array(capacity), frequencies: new Uint16Array(capacity), length: 0 };
  // Reads one list after the other, unless one is so much shorter that searching for each of its rows is faster.
  const isMuchShorter = few.length * stepsOfSearch < length;
  let at = 0;
  for (const row of few) {
    if (isMuchShorter) at = positionOf(postings, row);
    else while (at < length && rows[at]! < row) at++;
    if (at === length) break;
    if (rows[at] !== row || frequencies[at] === 0) continue;
    found.rows[found.length] = row;
    found.frequencies[found.length++] = frequencies[at]!;
  }
  return found;
}

const stepsOfSearch = 16;

function countTokens(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}

/** Sets the frequency of a row. Returns the same postings, or a larger copy if they were full. */
function withFrequency(postings: TermPostings, row: number, frequency: number): TermPostings {
  const at = positionOf(postings, row);
  if (at < postings.length && postings.rows[at] === row) {
    postings.frequencies[at] = frequency;
    return postings;
  }
  const target = postings.length < postings.rows.length ? postings : withSpareRoom(postings);
  target.rows.copyWithin(at + 1, at, target.length);
  target.frequencies.copyWithin(at + 1, at, target.length);
  target.rows[at] = row;
  target.frequencies[at] = frequency;
  target.length++;
  return target;
}

/** Returns a copy with room for more rows. Loaded postings also get room, so that the first write after many searches copies nothing. */
function withSpareRoom({ rows, frequencies, length }: TermPostings): TermPostings {
  const capacity = Math.ceil(length * 1.125) + 4;
  const copy = { rows: new Uint32Array(capacity), frequencies: new Uint16Array(capacity), length };
  copy.rows.set(rows.subarray(0, length));
  copy.frequencies.set(frequencies.subarray(0, length));
  return copy;
}

/** Returns the position of the row, or the position at which it would be inserted. */
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
