/** A vector of length 1 that depends on a number alone. */
export function unitVector(seed: number, dimensions: number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, (_, i) => Math.sin((seed + 1) * (i + 1) * 1.618));
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
}
