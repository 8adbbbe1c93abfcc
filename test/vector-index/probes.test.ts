import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NearestVectors } from '../../src/vector-index/lance-table';
import { measureProbes, type Probes, probesFor } from '../../src/vector-index/probes';

const partitions = 100;
const perPartition = 50;

/** An index whose neighbour of rank r is in the partition that is probed as number r, modulo the partitions. */
async function spread(_: Float32Array, limit: number, probes: number): Promise<NearestVectors> {
  const ranks = Array.from({ length: partitions * perPartition }, (_, rank) => rank)
    .filter((rank) => rank % partitions < probes)
    .slice(0, limit);
  const addresses = Uint32Array.from(ranks.flatMap((rank) => [rank, 0]));
  return { length: ranks.length, addresses, distances: new Float32Array(ranks.length) };
}

const queries = [new Float32Array(1), new Float32Array(1)];

describe('the number of partitions that a search probes', () => {
  test('is measured for each depth against a search of all partitions', async () => {
    const measured = await measureProbes(spread, queries, partitions);
    const [, middle, deep] = measured.curve.map(({ probes }) => probes) as [number, number, number];
    // The forty nearest are in forty partitions, and candidates differ by a fifth.
    expect(middle).toBeGreaterThanOrEqual(40);
    expect(middle).toBeLessThanOrEqual(48);
    expect(deep).toBe(partitions);
  });

  test('is at least an eighth of all partitions, even for an easy sample', async () => {
    const easy = (query: Float32Array, limit: number) => spread(query, limit, partitions);
    const { curve } = await measureProbes(easy, queries, partitions);
    expect(curve.map(({ probes }) => probes)).toEqual([13, 13, 13]);
  });

  test('grows with the depth, and equals all partitions beyond the greatest measured depth', () => {
    const probes: Probes = {
      partitions: 200,
      curve: [
        { depth: 10, probes: 8 },
        { depth: 40, probes: 20 },
        { depth: 160, probes: 90 },
      ],
    };
    expect([1, 10, 40, 160, 161].map((depth) => probesFor(probes, depth))).toEqual([8, 8, 20, 90, 200]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        (depth) => probesFor(probes, depth) <= probesFor(probes, depth + 1),
      ),
    );
  });
});
