import type { NearestVectors } from './lance-table';

/** How many partitions of an index a search must probe (read), measured right after the index was built. */
export interface Probes {
  readonly partitions: number;
  /** Points by ascending depth: `probes` partitions are enough to find the nearest `depth` vectors. */
  readonly curve: readonly { readonly depth: number; readonly probes: number }[];
}

/** The share of the true nearest vectors that a search must find, on average over the sample queries. */
const recallGoal = 0.995;
// Each depth is four times the one before. If one row of ten is visible, the tenth visible row is among the nearest 160 rows.
const depths = [10, 40, 160] as const;
const deepest = depths[depths.length - 1] as number;
// The ratio between consecutive numbers of probes that are tried.
const candidateRatio = 1.2;
// The sample queries are derived from stored vectors, and real queries may differ more from them. So at least this number and this
// share of the partitions are probed.
const fewestProbes = 8;
const fewestShare = 1 / 8;

type Search = (query: Float32Array, limit: number, probes: number) => Promise<NearestVectors>;

/** Measures how many probes each depth needs, compared with a search of all partitions, which is exact. */
export async function measureProbes(
  search: Search,
  queries: readonly Float32Array[],
  partitions: number,
): Promise<Probes> {
  const found = async (probes: number) => {
    const addresses: bigint[][] = [];
    for (const query of queries) addresses.push(addressesOf(await search(query, deepest, probes)));
    return addresses;
  };
  const reference = await found(partitions);
  const measured = new Map<number, readonly bigint[][]>([[partitions, reference]]);
  const candidates = [...candidateProbes(partitions)];
  const curve: { depth: number; probes: number }[] = [];
  let low = 0;
  for (const depth of depths) {
    // Binary search for the fewest probes that reach the goal. It works because more probes find at least as much, and a greater
    // depth needs at least as many probes.
    let high = candidates.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const probes = candidates[middle] as number;
      const addresses = measured.get(probes) ?? (await found(probes));
      measured.set(probes, addresses);
      if (recall(reference, addresses, depth) < recallGoal) low = middle + 1;
      else high = middle;
    }
    curve.push({ depth, probes: candidates[low] as number });
  }
  return { partitions, curve };
}

function* candidateProbes(partitions: number): Iterable<number> {
  const first = Math.ceil(Math.max(fewestProbes, partitions * fewestShare));
  for (let probes = first; probes < partitions; probes = Math.ceil(probes * candidateRatio)) yield probes;
  yield partitions;
}

/**
 * Returns how many probes are needed to find the nearest `depth` vectors. Interpolates between the measured depths by their
 * logarithm. Returns all partitions for a depth beyond the deepest measured one.
 */
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

function addressesOf({ length, addresses }: NearestVectors): bigint[] {
  return Array.from(new BigUint64Array(addresses.buffer, addresses.byteOffset, length));
}

function recall(reference: readonly bigint[][], found: readonly bigint[][], depth: number): number {
  let hits = 0;
  let all = 0;
  for (const [i, nearest] of reference.entries()) {
    const addresses = new Set(found[i]);
    const wanted = nearest.slice(0, depth);
    hits += wanted.filter((address) => addresses.has(address)).length;
    all += wanted.length;
  }
  return all === 0 ? 1 : hits / all;
}
