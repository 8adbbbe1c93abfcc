import type { StaticModel } from '../model-file';

// Rows seen in fewer texts keep the direction the teacher gave them.
const seenEnough = 3;
const seldom = 30;
/** `a` of `weigh`: a token in twenty loses half of its length. */
const smoothing = 0.05;
/** 0 leaves components as they are, 1 makes all alike. */
const whitening = 0.1;

/** A vector for each token: the teacher's of the token alone, and of length ln(1 + rank). The vocabulary is in order of frequency. */
export function firstVectors(teacher: Float32Array, dimensions: number): Float32Array {
  const count = teacher.length / dimensions;
  return teacher.map((value, i) => (value * Math.log(1 + Math.floor(i / dimensions))) / Math.log(count));
}

/** Gives tokens that no text taught the length that seldom ones learned: training changes lengths as a whole. */
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

/**
 * Weighs what training cannot see. Tokens that fill every text get less: `a / (a + p)` of their length, p being their share of all
 * tokens (Arora, Liang and Ma, 'A Simple but Tough-to-Beat Baseline for Sentence Embeddings', ICLR 2017). Components get more the
 * weaker they are, as a sum of words leans towards the strongest. Both mildly: on texts held back, cosines stay as near to the
 * teacher's, on texts of other kinds they come nearer, and texts are found better.
 */
export function weigh(vectors: Float32Array, dimensions: number, tokens: Int32Array, targets: Float32Array): void {
  const counts = new Float64Array(vectors.length / dimensions);
  for (const token of tokens) counts[token] = counts[token]! + 1;
  const strengths = new Float64Array(dimensions);
  for (const [i, value] of targets.entries()) strengths[i % dimensions] = strengths[i % dimensions]! + value * value;
  const strongest = Math.max(...strengths);
  const factors = strengths.map((strength) => (strength / strongest) ** (-whitening / 2));
  for (const [token, count] of counts.entries()) {
    const weight = smoothing / (smoothing + count / tokens.length);
    for (let i = 0; i < dimensions; i++) {
      vectors[token * dimensions + i] = vectors[token * dimensions + i]! * weight * factors[i]!;
    }
  }
}

/** Rounds to bytes, with one scale for all, and leaves out what no text contains: marks, and places kept free. */
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
