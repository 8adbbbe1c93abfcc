import { MemoryError } from '../domain/errors';
import type { Excerpt } from '../domain/memory';
import { splitIntoChunks } from '../embedding/chunks';
import { analyzeQuery } from '../keyword-index/analyzer';
import { isNet } from '../keyword-index/word-forms';
import { dot } from '../vector-index/kernel/dot';
import type { ReadContext } from './read-context';

/** The longest excerpt, in UTF-16 units: about 150 tokens of English. A text up to this length has no excerpt. */
export const maxExcerptLength = 600;

/** How far the ends of an excerpt move to white space. */
const snapLength = 60;

// Bounds for all excerpts of one search, which blocks the event loop. Beyond them, excerpts are chosen by words alone, and in the
// beginning of each text. Reading the vectors of 512 chunks takes about 2 ms, and so does looking for 16 words in 1 MB.
const maxComparedChunks = 512;
const maxSearchedLength = 1_000_000;
const minSearchedLength = 2_000;
const maxNeedles = 16;
const maxPlacesPerNeedle = 64;

// The shares of meaning and words are those of the score of a hit.
const semanticShare = 0.4;

type Context = Pick<ReadContext, 'state' | 'embedder'>;
interface Range {
  readonly start: number;
  readonly end: number;
}
/** A place of a needle in a text. Rare needles weigh more. */
interface Place {
  readonly at: number;
  readonly needle: number;
  readonly weight: number;
}

/** Finds the part of a text that matches a query best, from the vectors of its chunks and the words of the query. */
export class ExcerptFinder {
  readonly #context: Context;
  readonly #vector: Float32Array | undefined;
  readonly #query: string;
  #needles: readonly string[] | undefined;
  #chunksLeft = maxComparedChunks;
  #lengthLeft = maxSearchedLength;

  /** @param vector The vector of the query in the space that is searched, if there is one. */
  constructor(context: Context, query: string, vector: Float32Array | undefined) {
    this.#context = context;
    this.#vector = vector;
    this.#query = query;
  }

  /** The best part of a text that is longer than an excerpt. */
  find(row: number, text: string): Excerpt {
    this.#needles ??= needlesOf(this.#query);
    const searchedLength = Math.min(text.length, Math.max(minSearchedLength, this.#lengthLeft));
    this.#lengthLeft -= searchedLength;
    const places = new Places(this.#needles, text.slice(0, searchedLength));
    const byWords = places.best(text.length);
    // Vectors add nothing where all words of the query are together, and reading them takes longest.
    const isCertain = byWords !== undefined && places.holdsAll(windowAround(byWords, text.length));
    const best = (isCertain ? byWords : this.#bestChunk(row, text, places)) ?? byWords ?? { start: 0, end: 0 };
    const { start, end } = snapped(windowAround(best, text.length), text);
    return { text: text.slice(start, end), start, end };
  }

  /** The chunk with the best sum of cosine and words around it. Undefined if the text has no vectors that can be compared. */
  #bestChunk(row: number, text: string, places: Places): Range | undefined {
    const query = this.#vector;
    const vectors = query === undefined ? [] : this.#vectorsOf(row);
    if (query === undefined || vectors.length < 2) return undefined;
    const chunks = this.#chunksOf(text);
    // A caller may have given the vector, or an earlier release may have split the text in another way.
    if (chunks.length !== vectors.length) return undefined;
    let best: Range | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const [i, chunk] of chunks.entries()) {
      const words = places.share(windowAround(chunk, text.length));
      const score = semanticShare * dot(query, vectors[i] as Float32Array) + (1 - semanticShare) * words;
      if (score <= bestScore) continue;
      best = chunk;
      bestScore = score;
    }
    return best;
  }

  #vectorsOf(row: number): readonly Float32Array[] {
    const { columns, vectors } = this.#context.state;
    const chunkCount = columns.chunks[row] ?? 0;
    // One chunk is the whole text, and says nothing about its parts.
    if (chunkCount < 2 || chunkCount > this.#chunksLeft) return [];
    this.#chunksLeft -= chunkCount;
    try {
      return vectors.ofRow(row);
    } catch (error) {
      // The hit itself is intact. A search by vectors reports a damaged one, and a search by words does not need it.
      if (MemoryError.is(error) && error.code === 'RECORD_DAMAGED') return [];
      throw error;
    }
  }

  #chunksOf(text: string): Range[] {
    const { state, embedder } = this.#context;
    const space = state.interning.currentSpace?.name;
    const maxTokens = space && embedder.of(space)?.maxTokens;
    if (maxTokens === undefined) return [];
    let from = 0;
    return splitIntoChunks(text, maxTokens).map((chunk) => {
      const start = text.indexOf(chunk, from);
      from = start + 1;
      return { start, end: start + chunk.length };
    });
  }
}

/**
 * What to look for in a lower-case text. The last letter of a longer stem is left out, because stemming may have changed it: 'happi'
 * for 'happy'. Words with accents are looked for as they are written, because a text with folded letters would have other offsets.
 */
function needlesOf(query: string): string[] {
  const cut = (word: string) => (word.length > 4 && !/[^\p{Script=Latin}]/u.test(word) ? word.slice(0, -1) : word);
  // Two steps: one expression for words with such a letter would take quadratic time for a long word without one.
  const words = query.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const accented = words.filter((word) => /[^\0-\x7f]/.test(word));
  const terms = analyzeQuery(query).filter((term) => !isNet(term));
  return [...new Set([...terms, ...accented].map(cut))].slice(0, maxNeedles);
}

/** Where the words of a query are in a text. */
class Places {
  readonly #places: readonly Place[];
  readonly #totalWeight: number;
  readonly #needleCount: number;

  constructor(needles: readonly string[], text: string) {
    const lower = text.toLowerCase();
    // A few letters get longer in lower case, which would move every place behind them.
    const searched = lower.length === text.length ? lower : text;
    const places: Place[] = [];
    let total = 0;
    for (const [needle, word] of needles.entries()) {
      const found: number[] = [];
      for (let at = searched.indexOf(word); at >= 0 && found.length < maxPlacesPerNeedle; ) {
        found.push(at);
        at = searched.indexOf(word, at + word.length);
      }
      if (found.length === 0) continue;
      const weight = 1 / Math.sqrt(found.length);
      total += weight;
      for (const at of found) places.push({ at, needle, weight });
    }
    this.#places = places.sort((a, b) => a.at - b.at);
    this.#totalWeight = total;
    this.#needleCount = needles.length;
  }

  /** The part of all words that a range contains, by weight: from 0 to 1. */
  share({ start, end }: Range): number {
    const seen = new Set<number>();
    let inside = 0;
    for (let i = this.#firstFrom(start); i < this.#places.length; i++) {
      const { at, needle, weight } = this.#places[i] as Place;
      if (at >= end) break;
      if (!seen.has(needle)) inside += weight;
      seen.add(needle);
    }
    return this.#totalWeight === 0 ? 0 : inside / this.#totalWeight;
  }

  /** Whether a range contains every word of the query. */
  holdsAll({ start, end }: Range): boolean {
    const inside = this.#places.filter(({ at }) => at >= start && at < end);
    return new Set(inside.map(({ needle }) => needle)).size === this.#needleCount;
  }

  /** The place whose surroundings contain most of the words. Undefined if there is none. */
  best(length: number): Range | undefined {
    let best: Range | undefined;
    let bestShare = 0;
    for (const { at } of this.#places) {
      const range = { start: at, end: Math.min(length, at + maxExcerptLength / 2) };
      const share = this.share(windowAround(range, length));
      if (share <= bestShare) continue;
      best = range;
      bestShare = share;
    }
    return best;
  }

  #firstFrom(start: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] as Place).at < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A window of the length of an excerpt, with a range in its middle. */
function windowAround({ start, end }: Range, length: number): Range {
  const from = Math.max(0, Math.floor((start + end - maxExcerptLength) / 2));
  const to = Math.min(length, from + maxExcerptLength);
  return { start: Math.max(0, to - maxExcerptLength), end: to };
}

/** A range whose ends are at white space, if there is some nearby, and never inside a surrogate pair. */
function snapped({ start, end }: Range, text: string): Range {
  let [from, to] = [start, end];
  if (start > 0) {
    const space = /\s\S/.exec(text.slice(start - 1, start + snapLength));
    from = space === null ? start : start + space.index;
    if (isInsidePair(text, from)) from++;
  }
  if (end < text.length) {
    const spaces = [...text.slice(end - snapLength, end + 1).matchAll(/\S\s/gu)];
    const last = spaces.at(-1);
    to = last === undefined ? end : end - snapLength + last.index + last[0].length - 1;
    if (isInsidePair(text, to)) to--;
  }
  return { start: from, end: to };
}

function isInsidePair(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff;
}
