import type { StaticModel } from '../model-file';
import type { TokenizedTexts } from './tokenized-texts';

// Tokens that occur in fewer texts than this keep the direction of the teacher.
const seenEnough = 3;
const seldom = 30;
/**
 * Makes the initial vector of each token: the vector that the teacher gives to the token alone, scaled to length ln(1 + rank). The
 * vocabulary is in the order of frequency.
 */
export function firstVectors(teacher: Float32Array, dimensions: number): Float32Array {
  const count = teacher.length / dimensions;
  return teacher.map((value, i) => (value * Math.log(1 + Math.floor(i / dimensions))) / Math.log(count));
}

/** Gives tokens that occur in no training text the typical length of rare tokens, because training changes all lengths. */
export function settleUntaught(vectors: Float32Array, dimensions: number, tokens: Int32Array): void {
  const counts = new Int32Array(vectors.length / dimensions);
  for (const token of tokens) counts[token] = counts[token]! + 1;
  const rowOf = (token: number) => vectors.subarray(token * dimensions, (token + 1) * dimensions);
  const lengths: number[] = [];
  for (const [token, count] of counts.entries()) {
    if (count >= seenEnough && count <= seldom) lengths.push(Math.hypot(...rowOf(token)));
  }
  const usual = lengths.sort((a, b) => a - b)[lengths.length >> 1]!;
  for (const [token, count] of counts.entries()) {
    if (count >= seenEnough) continue;
    const row = rowOf(token);
    const factor = usual / Math.max(1e-9, Math.hypot(...row));
    for (let i = 0; i < row.length; i++) row[i] = row[i]! * factor;
  }
}

/** Computes the vectors of texts with the model before rounding, as rows of length 1. */
export function embedWithRows(
  vectors: Float32Array,
  dimensions: number,
  { tokens, starts }: TokenizedTexts,
): Float32Array {
  const rows = new Float32Array((starts.length - 1) * dimensions);
  for (let text = 0; text < starts.length - 1; text++) {
    const row = rows.subarray(text * dimensions, (text + 1) * dimensions);
    for (const token of new Set(tokens.subarray(starts[text]!, starts[text + 1]!))) {
      for (let i = 0; i < dimensions; i++) row[i] = row[i]! + vectors[token * dimensions + i]!;
    }
    const length = Math.hypot(...row) || 1;
    for (let i = 0; i < dimensions; i++) row[i] = row[i]! / length;
  }
  return rows;
}

/** Rounds all rows to bytes with one common scale. Leaves out special and unused tokens, which no text contains. */
export function toStaticModel(vectors: Float32Array, dimensions: number, vocabulary: readonly string[]): StaticModel {
  const kept = [...vocabulary.keys()].filter(
    (token) => !/^\[(unused\d+|PAD|UNK|CLS|SEP|MASK)\]$/.test(vocabulary[token]!),
  );
  let largest = 0;
  for (const token of kept) {
    for (let i = 0; i < dimensions; i++) largest = Math.max(largest, Math.abs(vectors[token * dimensions + i]!));
  }
  const rows = new Int8Array(kept.length * dimensions);
  for (const [row, token] of kept.entries()) {
    for (let i = 0; i < dimensions; i++) {
      rows[row * dimensions + i] = Math.round((vectors[token * dimensions + i]! / largest) * 127);
    }
  }
  return { pieces: kept.map((token) => vocabulary[token]!), rows, dimensions };
}
