import type { Nearest } from './lance-table';

/** How many partitions a search has to look into, measured when they were made. */
export interface Probes {
  readonly partitions: number;
  /** By ascending depth: so many probes find the nearest `depth` vectors. */
  readonly curve: readonly { readonly depth: number; readonly probes: number }[];
}

/** What share of the true nearest vectors must be found, on average over the sample. */
const recallGoal = 0.995;
/** Four times deeper each, up to what a search needs that sees one vector of fifty. */
const depths = [10, 40, 160, 640] as const;
const deepest = depths[depths.length - 1] as number;
const step = 1.5;

type Search = (query: Float32Array, limit: number, probes: number) => Promise<Nearest>;

/** Measures how many probes are enough for each depth, against a search of every partition, which is exact. */
export async function measureProbes(
  search: Search,
  queries: readonly Float32Array[],
  partitions: number,
): Promise<Probes> {
  const truth: bigint[][] = [];
  for (const query of queries) truth.push(addressesOf(await search(query, deepest, partitions)));
  const curve: { depth: number; probes: number }[] = [];
  for (let probes = 1; curve.length < depths.length; probes = Math.ceil(probes * step)) {
    if (probes >= partitions) {
      for (const depth of depths.slice(curve.length)) curve.push({ depth, probes: partitions });
      break;
    }
    const found: Set<bigint>[] = [];
    for (const query of queries) found.push(new Set(addressesOf(await search(query, deepest, probes))));
    for (const depth of depths.slice(curve.length)) {
      if (recall(truth, found, depth) < recallGoal) break;
      curve.push({ depth, probes });
    }
  }
  return { partitions, curve };
}

/** The probes that find the nearest `depth` vectors: between measured depths in proportion to the logarithm, beyond them all. */
export function probesFor({ partitions, curve }: Probes, depth: number): number {
  let below = curve[0];
  for (const point of curve) {
    if (depth <= point.depth) {
      if (below === undefined || below.depth === point.depth) return point.probes;
      const share = Math.log(depth / below.depth) / Math.log(point.depth / below.depth);
      return Math.ceil(below.probes + Math.max(0, share) * (point.probes - below.probes));
    }
    below = point;
  }
  return partitions;
}

function addressesOf({ length, addresses }: Nearest): bigint[] {
  return Array.from(new BigUint64Array(addresses.buffer, addresses.byteOffset, length));
}

function recall(truth: readonly bigint[][], found: readonly Set<bigint>[], depth: number): number {
  let hits = 0;
  let all = 0;
  for (const [i, nearest] of truth.entries()) {
    for (const address of nearest.slice(0, depth)) {
      all++;
      if (found[i]?.has(address)) hits++;
    }
  }
  return all === 0 ? 1 : hits / all;
}
