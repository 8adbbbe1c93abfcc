// Chosen on conversations 1, 3, 5, 7 and 9 of LoCoMo, with both embedders, and on the same conversations with three and eight sessions
// joined to one, because the sessions of other chats are longer. `npm run bench -- --only quality-locomo` shows what they add.
const bestWeight = 1;
const neighborWeight = 0.35;
/** The weight of a memory two places away, as a share of the weight of one beside it. */
const distantShare = 0.8;

/**
 * Computes the relevance of a memory among the others of its session, from 0 to 1. It is never lower than its own, and it rises with each of
 * the arguments.
 *
 * @param own The relevance of the memory itself
 * @param best The highest relevance in its session, its own included
 * @param neighbor The relevance of its most relevant neighbor: see `neighborIn`
 */
export function relevanceInSession(own: number, best: number, neighbor: number): number {
  const shared = (own + bestWeight * best) / (1 + bestWeight);
  return shared + (1 - shared) * neighborWeight * neighbor;
}

/**
 * Returns the highest relevance of the two memories before and the two after a place of a session. Those at distance two count a little
 * less.
 *
 * @param relevances The relevance of each memory of the session, in order
 */
export function neighborIn(relevances: ArrayLike<number>, place: number): number {
  const last = relevances.length - 1;
  let near = 0;
  // Looking beyond the ends of an array takes much longer.
  if (place > 0) near = Math.max(near, relevances[place - 1] as number);
  if (place < last) near = Math.max(near, relevances[place + 1] as number);
  if (place > 1) near = Math.max(near, distantShare * (relevances[place - 2] as number));
  if (place < last - 1) near = Math.max(near, distantShare * (relevances[place + 2] as number));
  return near;
}

/** The places that `neighborIn` looks at, and the weight of each. */
export const neighborPlaces: readonly { readonly distance: number; readonly share: number }[] = [
  { distance: -1, share: 1 },
  { distance: 1, share: 1 },
  { distance: -2, share: distantShare },
  { distance: 2, share: distantShare },
];

/** Returns the highest relevance that any memory of a session can have if the best of them has this relevance by itself. */
export function highestInSession(best: number): number {
  return relevanceInSession(best, best, best);
}

/** Returns the lowest relevance that the best memory of a session needs by itself, so that any of them can have this relevance. */
export function leastBestFor(relevance: number): number {
  if (relevance >= 1) return relevance;
  // The inverse of `highestInSession`, which is (1 + w) * best - w * best ** 2.
  const sum = 1 + neighborWeight;
  return (sum - Math.sqrt(sum * sum - 4 * neighborWeight * relevance)) / (2 * neighborWeight);
}
