import { dimensions } from './vectors';

/** A recall that finds the nearest vectors, as peers do. With the context of sessions, which is the default, other memories come first. */
export const nearestOnly = { mode: 'semantic', context: false, topK: 10 } as const;

/** The numbers of the vectors nearest to a query, nearest first, by an exhaustive search. */
export function nearest(vectors: readonly Float32Array[], query: Float32Array, limit: number): number[] {
  const best: { number: number; cosine: number }[] = [];
  let lowest = Number.NEGATIVE_INFINITY;
  for (const [number, vector] of vectors.entries()) {
    const cosine = dot(vector, query);
    if (cosine <= lowest) continue;
    best.push({ number, cosine });
    best.sort((a, b) => b.cosine - a.cosine);
    if (best.length > limit) best.pop();
    if (best.length === limit) lowest = best[limit - 1]?.cosine ?? lowest;
  }
  return best.map(({ number }) => number);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < dimensions; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
