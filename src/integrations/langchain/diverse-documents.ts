/** A document that a search found, with what its diversity is measured by. */
export interface DiverseCandidate {
  /** How well it matches the query. */
  readonly relevance: number;
  /** The document as a vector of length 1 or 0, as the values of its dimensions that are not 0. */
  readonly vector: ReadonlyMap<string | number, number>;
}

/**
 * Selects `k` candidates that match the query and differ from each other (maximal marginal relevance, Carbonell and Goldstein, 1998), best
 * first. Returns their indexes. With `lambda` 1 only relevance counts, with 0 only diversity.
 */
export function diverseIndexes(candidates: readonly DiverseCandidate[], k: number, lambda: number): number[] {
  // As shares of the best, because scores of documents lie closer together than similarities do.
  const best = Math.max(...candidates.map(({ relevance }) => relevance));
  const relevance = candidates.map((each) => (best > 0 ? each.relevance / best : 0));
  const nearest = candidates.map(() => 0);
  const left = new Set(candidates.keys());
  const selected: number[] = [];
  while (selected.length < k && left.size > 0) {
    let next = -1;
    let highest = Number.NEGATIVE_INFINITY;
    for (const i of left) {
      const marginal = lambda * (relevance[i] as number) - (1 - lambda) * (nearest[i] as number);
      if (marginal > highest) [next, highest] = [i, marginal];
    }
    left.delete(next);
    selected.push(next);
    const { vector } = candidates[next] as DiverseCandidate;
    for (const i of left)
      nearest[i] = Math.max(nearest[i] as number, product(vector, (candidates[i] as DiverseCandidate).vector));
  }
  return selected;
}

function product(one: DiverseCandidate['vector'], other: DiverseCandidate['vector']): number {
  let sum = 0;
  for (const [dimension, value] of one) sum += value * (other.get(dimension) ?? 0);
  return sum;
}

/** The different words of a text as a vector. */
export function wordVector(text: string): DiverseCandidate['vector'] {
  const words = new Set(text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu));
  return new Map(Array.from(words, (word) => [word, 1 / Math.sqrt(words.size)]));
}

/** The vector of an embedder, scaled to length 1. */
export function unitVector(values: readonly number[]): DiverseCandidate['vector'] {
  const length = Math.hypot(...values);
  return new Map(values.map((value, i) => [i, length > 0 ? value / length : 0]));
}
