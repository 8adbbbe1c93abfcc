import { readModel, type StaticModel, unpackRows } from './model-file';
import { WordPieces } from './word-pieces';

/**
 * The longest text that its training showed it, twice over. It could read any length, but a sum knows no order and no emphasis:
 * the longer the text, the less one fact in it turns the vector. Longer texts are better found by their parts.
 */
export const maxTokens = 256;

// No text of so many characters has fewer tokens, unless it is mostly white space.
const longestText = 100 * maxTokens;

/** Sums up the vectors of a text's pieces. One for a process. */
export class StaticEncoder {
  readonly #rows: Int8Array;
  readonly #pieces: WordPieces;
  readonly #sums: Int32Array;
  /** By row, which text had it last. */
  readonly #seenIn: Float64Array;
  #texts = 0;

  constructor({ rows, dimensions }: StaticModel, pieces: WordPieces) {
    this.#rows = rows;
    this.#pieces = pieces;
    this.#sums = new Int32Array(dimensions);
    this.#seenIn = new Float64Array(rows.length / dimensions);
  }

  /** A vector of length 1. A piece counts once, however often a text repeats it. Texts are cut at `maxTokens`. */
  encode(text: string): Float32Array {
    const cut = text.slice(0, longestText);
    const sums = this.#sums.fill(0);
    this.#texts++;
    for (const row of this.#pieces.rowsOf(cut, maxTokens)) {
      if (this.#seenIn[row] === this.#texts) continue;
      this.#seenIn[row] = this.#texts;
      this.#add(row * sums.length);
    }
    return direction(sums) ?? directionOfUnknown(cut, sums.length);
  }

  #add(start: number): void {
    const rows = this.#rows;
    const sums = this.#sums;
    for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + rows[start + i]!;
  }
}

// Whole numbers, so that the same text has the same vector bit by bit on every machine.
function direction(sums: Int32Array): Float32Array | undefined {
  let squares = 0;
  for (let i = 0; i < sums.length; i++) squares += sums[i]! * sums[i]!;
  if (squares === 0) return undefined;
  const vector = new Float32Array(sums.length);
  const length = Math.sqrt(squares);
  for (let i = 0; i < sums.length; i++) vector[i] = sums[i]! / length;
  return vector;
}

/**
 * A text without one known piece, such as emoji alone, finds only itself: its characters, hashed, draw a direction. FNV-1a and
 * xorshift.
 */
function directionOfUnknown(text: string, dimensions: number): Float32Array {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  // Xorshift never leaves 0.
  if (state === 0) state = 1;
  const part = 1 / Math.sqrt(dimensions);
  return Float32Array.from({ length: dimensions }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state < 0 ? -part : part;
  });
}

let encoder: Promise<StaticEncoder> | undefined;

/** The process's encoder, loaded on first use. A failed load is tried again by the next call. */
export function staticEncoder(): Promise<StaticEncoder> {
  if (encoder !== undefined) return encoder;
  const loading = load();
  loading.catch(() => {
    encoder = undefined;
  });
  encoder = loading;
  return loading;
}

async function load(): Promise<StaticEncoder> {
  const model = await readModel();
  const { pieces, dimensions } = model;
  const [words, rows] = await Promise.all([WordPieces.of(pieces), unpackRows(model)]);
  return new StaticEncoder({ pieces, rows, dimensions }, words);
}
