import { readModel, type StaticModel, unpackRows } from './model-file';
import { WordPieces } from './word-pieces';

/**
 * The limit is twice the length of the longest training text. The encoder could read any length, but a vector is a sum: the longer
 * the text, the less a single fact changes the vector. Longer texts are found better by the vectors of their chunks.
 */
export const maxTokens = 256;

// A text of this many characters has more than `maxTokens` tokens, unless it is mostly white space.
const maxTextLength = 100 * maxTokens;

/** Encodes texts: the vector of a text is the sum of the vectors of its pieces. A process has one encoder. */
export class StaticEncoder {
  readonly #rows: Int8Array;
  readonly #pieces: WordPieces;
  readonly #sums: Int32Array;
  /** For each row, the number of the last text that contained its piece. */
  readonly #seenIn: Float64Array;
  #texts = 0;

  constructor({ rows, dimensions }: StaticModel, pieces: WordPieces) {
    this.#rows = rows;
    this.#pieces = pieces;
    this.#sums = new Int32Array(dimensions);
    this.#seenIn = new Float64Array(rows.length / dimensions);
  }

  /** Computes the vector of a text, with length 1. Each different piece counts once. The text is cut at `maxTokens`. */
  encode(text: string): Float32Array {
    const cut = text.slice(0, maxTextLength);
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

// The sums are integers. Therefore a text has the same vector, bit by bit, on every machine.
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
 * Computes the vector of a text in which no piece is known, such as one emoji. A hash of its characters (FNV-1a) seeds a random
 * direction (xorshift), so that the text is similar only to itself.
 */
function directionOfUnknown(text: string, dimensions: number): Float32Array {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  // With the state 0, xorshift would return only zeros.
  if (state === 0) state = 1;
  const component = 1 / Math.sqrt(dimensions);
  return Float32Array.from({ length: dimensions }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state < 0 ? -component : component;
  });
}

let encoder: Promise<StaticEncoder> | undefined;

/** Returns the encoder of this process. The first call loads it. After a failure the next call loads it again. */
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
