import { describe, expect, test } from 'vitest';
import { seededVectors, VectorSourceFixture, visibleRows } from '../../src/testing/vector-source-fixture';
import { ExactIndex } from '../../src/vector-index/exact-index';
import { bestChunk, dot } from '../../src/vector-index/kernel/dot';
import type { ScanTarget, StoredVector } from '../../src/vector-index/vector-index';
import { Random } from '../faults/random';

const dimensions = 64;
const vectors = seededVectors(5, 3000, dimensions);

class CountingSource extends VectorSourceFixture {
  reads = 0;
  /** Thrown by each read. */
  failure: Error | undefined;
  onRead: () => void = () => undefined;

  override read(rows: ArrayLike<number>): Iterable<StoredVector> {
    if (this.failure !== undefined) throw this.failure;
    this.reads += rows.length;
    this.onRead();
    return super.read(rows);
  }
}

function filled(): CountingSource {
  const source = new CountingSource();
  for (const [i, vector] of vectors.entries()) source.set(i + 1, vector);
  return source;
}

/** Takes every row, and does nothing with it. */
const everyRow: ScanTarget = { least: () => Number.NEGATIVE_INFINITY, matters: () => true, offer: () => undefined };

/** The estimates and errors of the rows that a scan finds. */
async function scanned(index: ExactIndex, query: Float32Array, rows: Uint32Array, least = Number.NEGATIVE_INFINITY) {
  const found = new Map<number, { estimate: number; error: number }>();
  const loaded = await index.load(query, rows);
  index.scan(query, visibleRows(rows), loaded, {
    least: () => least,
    matters: () => true,
    offer: (row, estimate, error) => {
      expect(found.has(row)).toBe(false);
      found.set(row, { estimate, error });
    },
  });
  return found;
}

describe('the exact index', () => {
  test('returns 999 of 1,000 true nearest rows among four times as many candidates', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    let found = 0;
    for (const query of seededVectors(6, 200, dimensions)) {
      const order = vectors.map((vector, i) => ({ row: i + 1, score: dot(query, vector) }));
      const nearest = order.sort((a, b) => b.score - a.score).slice(0, 10);
      const candidates = await index.search(query, visibleRows(source.rows()), 40);
      found += nearest.filter(({ row }) => candidates.some((candidate) => candidate.row === row)).length;
    }
    expect(found / 2000).toBeGreaterThanOrEqual(0.999);
  });

  test.each([2 ** 20, 2 ** 15, 0])(
    'estimates the cosine of each row within its error, with %i bytes of RAM',
    async (memoryBytes) => {
      const source = filled();
      source.set(9000);
      // One large component makes the steps of the rounding large, and the others are as far from a step as they can be.
      const uneven = Float32Array.from({ length: dimensions }, (_, i) => (i === 0 ? 1 : 0.49 / 127));
      const length = Math.hypot(...uneven);
      source.set(
        9001,
        uneven.map((each) => each / length),
      );
      const index = new ExactIndex({ dimensions, memoryBytes, source });
      const rows = Uint32Array.from([9000, 9001, 2999, ...Array.from({ length: 2900 }, (_, i) => i + 1)]);
      const queries = [
        ...seededVectors(7, 2, dimensions),
        new Float32Array(dimensions).fill(1 / Math.sqrt(dimensions)),
      ];
      for (const query of queries) {
        const found = await scanned(index, query, rows);
        expect(found.has(9000)).toBe(false);
        expect(found.size).toBe(rows.length - 1);
        const excess = [...found].map(([row, { estimate, error }]) => {
          const vector = [...source.read([row])][0]?.vector as Float32Array;
          return Math.abs(estimate - dot(query, vector)) - error;
        });
        expect(Math.max(...excess)).toBeLessThanOrEqual(0);
        const errors = [...found.values()].map(({ error }) => error).sort((a, b) => a - b);
        expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.02);
      }
    },
  );

  test('compares only the vectors whose signs are near enough, and finds 995 of 1,000 that should be found', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, exactUpTo: 100, source });
    let [found, expected, compared] = [0, 0, 0];
    for (const [i, noise] of seededVectors(8, 200, dimensions).entries()) {
      const mixed = (vectors[i] as Float32Array).map((each, axis) => each + (noise[axis] as number));
      const query = mixed.map((each) => each / Math.hypot(...mixed));
      const near = source.rows().filter((row) => dot(query, vectors[row - 1] as Float32Array) >= 0.6);
      const offered = await scanned(index, query, source.rows(), 0.6);
      expected += near.length;
      found += near.filter((row) => offered.has(row)).length;
      compared += offered.size;
    }
    expect(expected).toBeGreaterThanOrEqual(150);
    expect(found / expected).toBeGreaterThanOrEqual(0.995);
    expect(compared / 200).toBeLessThan(vectors.length / 4);
  });

  test.each([0, 50, 100, 150, 200, 250, 300, 400])(
    'finds the same in each search by signs with %i bytes of RAM for vectors of 16 dimensions',
    async (memoryBytes) => {
      const source = new VectorSourceFixture();
      const three = seededVectors(1, 3, 16);
      for (const [i, vector] of three.entries()) source.set(i + 1, vector);
      const index = new ExactIndex({ dimensions: 16, memoryBytes, exactUpTo: 0, source });
      await index.warm(source.rows(), 'at once');
      for (let search = 0; search < 6; search++) {
        const row = (search % three.length) + 1;
        const query = three[row - 1] as Float32Array;
        const near = source.rows().filter((each) => dot(query, three[each - 1] as Float32Array) >= 0.9);
        const offered = await scanned(index, query, source.rows(), 0.9);
        expect(near.filter((each) => !offered.has(each))).toEqual(new Uint32Array(0));
      }
    },
  );

  test('offers a row once if some of its chunks are scanned later than others', async () => {
    const source = new VectorSourceFixture();
    for (let row = 1; row <= 300; row++) source.set(row, ...vectors.slice(0, 100));
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 23, exactUpTo: 10, source });
    const rows = source.rows();
    const query = vectors[50] as Float32Array;
    const offered: number[] = [];
    const target = {
      least: () => 0.99,
      matters: () => true,
      offer: (row: number) => void offered.push(row),
    };
    expect(index.scan(query, visibleRows(rows), await index.load(query, rows), target)).toBe(true);
    expect(offered.sort((a, b) => a - b)).toEqual([...rows]);
  });

  test('reads the vectors of changed rows again after they could not be read once', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    await index.warm(source.rows(), 'at once');
    const changed = [5, 6, 7];
    await index.refresh(changed);
    source.failure = new Error('The disk failed.');
    const query = vectors[0] as Float32Array;
    await expect(scanned(index, query, Uint32Array.from(changed))).rejects.toThrow('The disk failed.');
    source.failure = undefined;
    expect([...(await scanned(index, query, source.rows())).keys()]).toEqual([...source.rows()]);
  });

  test('offers a row once if another search has found room for it after it was loaded', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 200 * (dimensions + 48), source });
    const rows = source.rows();
    const query = vectors[0] as Float32Array;
    const loaded = await index.load(query, rows);
    const [beyond] = loaded.beyond.keys();
    source.set(1);
    await index.refresh([1]);
    await index.load(query, Uint32Array.of(beyond as number));
    const offered: number[] = [];
    index.scan(query, visibleRows(rows), loaded, { ...everyRow, offer: (row) => void offered.push(row) });
    expect(offered.filter((row) => row === beyond)).toHaveLength(1);
  });

  test('reads more changed rows during a scan with each attempt, so that constant changes end no search', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    const rows = source.rows();
    const scan = async (attempt: number) => {
      const loaded = await index.load(vectors[0] as Float32Array, rows, attempt);
      await index.refresh(rows.subarray(0, 1_000));
      return index.scan(vectors[0] as Float32Array, visibleRows(rows), loaded, everyRow);
    };
    expect([await scan(1), await scan(2), await scan(3)]).toEqual([false, false, true]);
  });

  test('ends reading ahead although a few rows change all the time', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    source.onRead = () => void index.refresh([1, 2, 3]);
    await index.warm(source.rows(), 'at once');
    expect(index.hasReadAll).toBe(true);
  });

  test('can read more rows after its memory was full and many were removed', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 500 * (dimensions + 48), source });
    await index.warm(source.rows(), 'at once');
    expect([index.hasReadAll, index.canReadMore]).toEqual([false, false]);
    const removed = source.rows().slice(0, 2_700);
    for (const row of removed) source.set(row);
    await index.refresh(removed);
    expect(index.canReadMore).toBe(true);
    await index.warm(source.rows(), 'at once');
    expect(index.hasReadAll).toBe(true);
  });

  test.each([0.2, 0.4, 0.7, 1])(
    'offers each visible row once, with the right cosine, after many changes, if %d of all rows are visible',
    async (share) => {
      const source = new VectorSourceFixture();
      const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 22, exactUpTo: 0, source });
      const chance = new Random(11);
      const query = vectors[0] as Float32Array;
      for (let round = 0; round < 6; round++) {
        const changed = Array.from({ length: 700 }, () => chance.whole(1, 6_000));
        for (const row of changed) {
          // Most rows have one chunk, some have several, and some have none.
          const chunks = chance.chance(0.95) ? 1 : chance.whole(0, 4);
          source.set(row, ...Array.from({ length: chunks }, () => chance.pick(vectors)));
        }
        await index.refresh(changed);
        await index.warm(source.rows(), 'at once');
      }
      const visible = visibleRows([...source.rows()].filter(() => chance.chance(share)));
      const loaded = await index.load(query, visible.rows());
      const offered = new Map<number, number>();
      index.scan(query, visible, loaded, {
        least: () => Number.NEGATIVE_INFINITY,
        matters: () => true,
        offer: (row, estimate) => {
          expect(offered.has(row)).toBe(false);
          offered.set(row, estimate);
        },
      });
      expect([...offered.keys()].sort((a, b) => a - b)).toEqual([...visible.rows()]);
      for (const [row, estimate] of offered) {
        const chunks = [...source.read([row])].map(({ vector }) => vector);
        expect(estimate).toBeCloseTo(bestChunk(query, chunks), 1);
      }
    },
  );

  test.each([
    { share: 0.2, single: 0.96 },
    { share: 0.4, single: 0.96 },
    { share: 0.7, single: 0.96 },
    { share: 1, single: 0.96 },
    { share: 0.4, single: 1 },
    { share: 1, single: 1 },
  ])(
    'offers each row once that is near enough with its score, and few others, if $share of all rows are visible and $single have one chunk',
    async ({ share, single }) => {
      const source = new VectorSourceFixture();
      const chance = new Random(12);
      for (let row = 1; row <= 4_000; row++) {
        const chunks = chance.chance(single) ? 1 : chance.whole(2, 4);
        source.set(row, ...Array.from({ length: chunks }, () => chance.pick(vectors)));
      }
      const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 22, exactUpTo: 0, source });
      const visible = visibleRows([...source.rows()].filter(() => chance.chance(share)));
      const scores = Float64Array.from({ length: 4_001 }, (_, row) => (row % 3 === 0 ? chance.whole(1, 40) / 10 : 0));
      const rows = Uint32Array.from(scores.keys()).filter((row) => scores[row] !== 0);
      const [weight, half] = [1.2, 4];
      let [expected, found, compared, tooLow] = [0, 0, 0, 0];
      for (const query of vectors.slice(0, 20)) {
        const cosineOf = (row: number) =>
          bestChunk(
            query,
            [...source.read([row])].map(({ vector }) => vector),
          );
        const best: number[] = [];
        const least = () => (best.length < 10 ? Number.NEGATIVE_INFINITY : (best[9] as number));
        const needOf = (row: number) => {
          const score = scores[row] as number;
          const need = least() - (weight * score) / (score + half);
          return need > 0 ? need : Number.NEGATIVE_INFINITY;
        };
        const offered = new Set<number>();
        const target = {
          least,
          boost: { rows, scores, weight, half },
          matters: (row: number, highest: number) => highest >= needOf(row),
          offer: (row: number, estimate: number, error: number) => {
            expect(offered.has(row)).toBe(false);
            expect(visible.has(row)).toBe(true);
            offered.add(row);
            best.push(estimate - error + (weight * (scores[row] as number)) / ((scores[row] as number) + half));
            best.sort((a, b) => b - a).splice(10);
          },
          probed: (highest: (row: number) => number) => {
            tooLow += visible.rows().filter((row) => highest(row) < cosineOf(row)).length;
          },
        };
        index.scan(query, visible, await index.load(query, visible.rows()), target);
        const near = visible.rows().filter((row) => cosineOf(row) >= needOf(row));
        expected += near.length;
        found += near.filter((row) => offered.has(row)).length;
        compared += offered.size;
      }
      expect(expected).toBeGreaterThanOrEqual(200);
      expect(found / expected).toBeGreaterThanOrEqual(0.995);
      expect(compared / 20).toBeLessThan(visible.count / 3);
      expect(tooLow / (20 * visible.count)).toBeLessThan(0.001);
    },
  );

  test('reads a few changed rows during a scan, and asks for many to be loaded again', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    const rows = source.rows();
    const query = vectors[0] as Float32Array;
    const loaded = await index.load(query, rows);
    source.set(7, query);
    await index.refresh([7]);
    const found = new Map<number, number>();
    const target = {
      least: () => Number.NEGATIVE_INFINITY,
      matters: () => true,
      offer: (row: number, estimate: number) => void found.set(row, estimate),
    };
    expect(index.scan(query, visibleRows(rows), loaded, target)).toBe(true);
    expect(found.get(7)).toBeCloseTo(1, 1);
    await index.refresh(rows);
    expect(index.scan(query, visibleRows(rows), loaded, target)).toBe(false);
  });

  test('reads a row when a search first needs it, and never again', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    expect(source.reads).toBe(0);
    const visible = visibleRows([7, 8, 9]);
    await index.search(vectors[0] as Float32Array, visible, 2);
    await index.search(vectors[1] as Float32Array, visible, 2);
    expect(source.reads).toBe(3);
  });

  test('does not read a row without vectors again', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    source.set(9000);
    await index.search(vectors[0] as Float32Array, visibleRows([9000]), 2);
    await index.search(vectors[0] as Float32Array, visibleRows([9000]), 2);
    expect(source.reads).toBe(1);
  });

  test('reads a changed row again', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    const [query] = seededVectors(9, 1, dimensions) as [Float32Array];
    await index.search(query, visibleRows([5]), 1);
    source.set(5, query);
    await index.refresh([5]);
    expect((await index.search(query, visibleRows([5]), 1))[0]?.estimate).toBeCloseTo(1, 2);
  });

  test('reads rows ahead of searches until its RAM is full', async () => {
    const source = filled();
    const bytes = 1000 * (dimensions + 48);
    const index = new ExactIndex({ dimensions, memoryBytes: bytes, source });
    await index.warm(source.rows(), 'at once');
    const { reads } = source;
    expect(reads).toBeLessThan(1500);
    await index.search(vectors[0] as Float32Array, visibleRows(source.rows().slice(0, 1000)), 10);
    expect(source.reads).toBe(reads);
  });

  test('stops reading ahead when it is closed', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    const warming = index.warm(source.rows(), 'at once');
    await index.close();
    await warming;
    expect(source.reads).toBeLessThan(vectors.length);
  });

  test('reuses the RAM of removed rows', async () => {
    const source = filled();
    const index = new ExactIndex({ dimensions, memoryBytes: 1000 * (dimensions + 48), source });
    await index.warm(source.rows().slice(0, 1000), 'at once');
    for (let row = 1; row <= 1000; row++) source.set(row);
    await index.refresh(Array.from({ length: 1000 }, (_, i) => i + 1));
    await index.warm(source.rows().slice(0, 1000), 'at once');
    source.reads = 0;
    await index.search(vectors[0] as Float32Array, visibleRows(source.rows().slice(0, 1000)), 10);
    expect(source.reads).toBe(0);
  });
});
