import type { Nearest } from './lance-table';

/** How many partitions a search has to look into, measured when they were made. */
export interface Probes {
  readonly partitions: number;
  /** By ascending depth: so many probes find the nearest `depth` vectors. */
  readonly curve: readonly { readonly depth: number; readonly probes: number }[];
}

/** What share of the true nearest vectors must be found, on average over the sample. */
const recallGoal = 0.995;
// Four times deeper each. Of the visible ones the tenth is among the nearest 160 of all vectors where one of ten is visible.
const depths = [10, 40, 160] as const;
const deepest = depths[depths.length - 1] as number;
// Probes are told apart by a fifth.
const finest = 1.2;
// The sample is of stored vectors, and queries to come may be less like them: never look into fewer.
const fewest = 8;
const fewestShare = 1 / 8;

type Search = (query: Float32Array, limit: number, probes: number) => Promise<Nearest>;

/** Measures how many probes are enough for each depth, against a search of every partition, which is exact. */
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
  const truth = await found(partitions);
  const measured = new Map<number, readonly bigint[][]>([[partitions, truth]]);
  const candidates = [...candidateProbes(partitions)];
  const curve: { depth: number; probes: number }[] = [];
  let low = 0;
  for (const depth of depths) {
    // More probes find more, so that the fewest that are enough are found by halving; deeper never takes fewer.
    let high = candidates.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const probes = candidates[middle] as number;
      const addresses = measured.get(probes) ?? (await found(probes));
      measured.set(probes, addresses);
      if (recall(truth, addresses, depth) < recallGoal) low = middle + 1;
      else high = middle;
    }
    curve.push({ depth, probes: candidates[low] as number });
  }
  return { partitions, curve };
}

function* candidateProbes(partitions: number): Iterable<number> {
  const first = Math.ceil(Math.max(fewest, partitions * fewestShare));
  for (let probes = first; probes < partitions; probes = Math.ceil(probes * finest)) yield probes;
  yield partitions;
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

function recall(truth: readonly bigint[][], found: readonly bigint[][], depth: number): number {
  let hits = 0;
  let all = 0;
  for (const [i, nearest] of truth.entries()) {
    const addresses = new Set(found[i]);
    const wanted = nearest.slice(0, depth);
    hits += wanted.filter((address) => addresses.has(address)).length;
    all += wanted.length;
  }
  return all === 0 ? 1 : hits / all;
}
