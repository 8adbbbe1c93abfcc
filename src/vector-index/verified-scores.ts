import type { VectorName } from './addresses';
import { byEstimate } from './best-rows';
import { IndexDamaged } from './index-damaged';
import { dot } from './kernel/dot';
import type { VectorCandidate, VectorSource } from './vector-index';

/** A vector that an approximate index found. */
export interface FoundVector extends VectorName {
  /** The squared Euclidean distance that the index claims. */
  readonly distance: number;
}

/**
 * The scores of found rows, best first, each of its best part, computed from the truth's vectors. Rows that the truth does
 * not have are left out.
 *
 * @throws IndexDamaged where a claimed distance differs by more than the tolerance from that of the truth's vector.
 */
export function verifiedScores(
  source: VectorSource,
  query: Float32Array,
  found: readonly FoundVector[],
  tolerance: number,
): VectorCandidate[] {
  const claims = new Map(found.map((vector) => [vector.row, vector]));
  const scores = new Map<number, number>();
  const own = dot(query, query);
  for (const { row, chunk, vector } of source.read([...claims.keys()].sort((a, b) => a - b))) {
    const score = dot(query, vector);
    scores.set(row, Math.max(score, scores.get(row) ?? Number.NEGATIVE_INFINITY));
    const claim = claims.get(row);
    if (claim?.part !== chunk) continue;
    const distance = own + dot(vector, vector) - 2 * score;
    if (!(Math.abs(distance - claim.distance) <= tolerance)) {
      throw new IndexDamaged(`The distance of row ${row}, part ${chunk} is not that of the stored vector.`);
    }
  }
  return [...scores].map(([row, score]) => ({ row, estimate: score, score })).sort(byEstimate);
}
