/**
 * The cosine of two vectors of length 1: their dot product. The one kernel that makes scores, so that a score never depends
 * on what proposed the candidate. Sums in float64, in a fixed order: the same vectors give the same bits on every machine.
 */
export function dot(a: Float32Array, b: Float32Array): number {
  const length = a.length;
  if (b.length !== length) throw new RangeError(`Vectors of ${length} and ${b.length} dimensions have no dot product.`);
  // Four sums, because one sum would wait for each addition before it began the next.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (let i = whole; i < length; i++) s0 += (a[i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}

/** The cosine of a row: that of its best part. There must be one. */
export function bestChunk(query: Float32Array, parts: readonly Float32Array[]): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const part of parts) best = Math.max(best, dot(query, part));
  return best;
}
