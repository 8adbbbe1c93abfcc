/**
 * Computes the cosine of two vectors of length 1, which is their dot product. Every score comes from this function, so a score does
 * not depend on which index proposed the candidate. The sum is in float64 and in a fixed order, so the same vectors give the same
 * bits on every machine.
 *
 * @throws RangeError if the vectors differ in length.
 */
export function dot(a: Float32Array, b: Float32Array): number {
  const length = a.length;
  if (b.length !== length)
    throw new RangeError(`Invalid vectors: expected equal dimensions, got ${length} and ${b.length}.`);
  // Four separate sums, because each addition to a single sum would have to wait for the addition before it.
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

/** Computes the score of a row: the highest cosine of its chunks. Returns negative infinity for a row without chunks. */
export function bestChunk(query: Float32Array, chunks: readonly Float32Array[]): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const chunk of chunks) best = Math.max(best, dot(query, chunk));
  return best;
}
