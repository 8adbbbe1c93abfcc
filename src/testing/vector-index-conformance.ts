import assert from 'node:assert/strict';
import { bestChunk } from '../vector-index/kernel/dot';
import type { VectorCandidate, VectorIndex, VectorSource, VisibleRows } from '../vector-index/vector-index';
import type { ConformanceCase } from './conformance';
import { seededVectors, VectorSourceFixture, visibleRows } from './vector-source-fixture';

const rowCount = 600;
const queryCount = 20;
const limit = 24;
// The largest allowed difference between an estimate and the cosine.
const tolerance = 0.02;

interface Setting {
  readonly index: VectorIndex;
  readonly source: VectorSourceFixture;
  readonly queries: readonly Float32Array[];
  /** Vectors of length 1 that are not in the source. */
  readonly others: readonly [Float32Array, Float32Array, Float32Array];
}

/**
 * Returns the requirements for every vector index, as test cases. `create` makes an index of the vectors in the source, which have
 * `dimensions` dimensions, and waits until the index is ready.
 */
export function vectorIndexConformance(
  create: (source: VectorSource) => Promise<VectorIndex>,
  dimensions = 24,
): ConformanceCase[] {
  const check = (name: string, promise: (setting: Setting) => Promise<void>) => ({
    name,
    async run() {
      // The queries come from the same clusters as the stored vectors, because questions resemble stored texts.
      const vectors = seededVectors(1, rowCount + queryCount, dimensions);
      const source = filledSource(vectors.slice(0, rowCount));
      const others = seededVectors(2, 3, dimensions) as [Float32Array, Float32Array, Float32Array];
      const index = await create(source);
      try {
        await promise({ index, source, queries: vectors.slice(rowCount), others });
      } finally {
        await index.close();
      }
    },
  });
  return [
    check('finds the nearest of all rows, best first', async (setting) => {
      await assertFinds(setting, visibleRows(setting.source.rows()));
    }),
    check('finds the nearest of the visible rows, and no other row', async (setting) => {
      await assertFinds(setting, visibleRows(setting.source.rows().filter((row) => row % 3 === 0)));
    }),
    check('finds `limit` rows if that many are visible, even if they are far from the query', findsWhatIsFar),
    check('finds a row once, by its best chunk', findsByBestChunk),
    check('follows added, changed and removed rows', follows),
    check('puts the lower row first if two rows are equally near', breaksTies),
    check('returns the same candidates for the same search', async ({ index, source, queries }) => {
      const visible = visibleRows(source.rows());
      for (const query of queries) {
        assert.deepEqual(await index.search(query, visible, limit), await index.search(query, visible, limit));
      }
    }),
    check('returns nothing if no row is visible, or if the limit is 0', async ({ index, source, others }) => {
      const [query] = others;
      assert.deepEqual(await index.search(query, visibleRows([]), limit), []);
      assert.deepEqual(await index.search(query, visibleRows([rowCount + 9]), limit), []);
      assert.deepEqual(await index.search(query, visibleRows(source.rows()), 0), []);
    }),
    check('answers a search that runs while the index is closed', async ({ index, source, others }) => {
      const search = index.search(others[0], visibleRows(source.rows()), limit);
      await index.close();
      assert.equal((await search).length, limit);
    }),
  ];
}

async function findsWhatIsFar({ index, source, queries }: Setting): Promise<void> {
  for (const query of queries) {
    const farthest = nearest(source, query, visibleRows(source.rows())).slice(-200);
    const visible = visibleRows(farthest.map(({ row }) => row));
    assert.equal((await index.search(query, visible, limit)).length, limit);
    assert.equal((await index.search(query, visible, rowCount)).length, 200);
  }
}

async function findsByBestChunk({ index, source, others: [near, far] }: Setting): Promise<void> {
  source.set(rowCount + 1, far, near, far.map(opposite));
  await index.refresh([rowCount + 1]);
  const found = await index.search(near, visibleRows(source.rows()), limit);
  assert.equal(found[0]?.row, rowCount + 1);
  assert.ok(Math.abs((found[0]?.estimate ?? 0) - 1) < tolerance);
  assertOnce(found);
}

async function follows({ index, source, others: [first, second, third] }: Setting): Promise<void> {
  const [added, changed, removed] = [rowCount + 1, 1, 2];
  const [before] = [...source.read([changed])];
  assert.ok(before);
  source.set(added, first);
  source.set(changed, second);
  source.set(removed);
  await index.refresh([added, changed, removed]);
  const best = async (query: Float32Array) => (await index.search(query, visibleRows(source.rows()), limit))[0];
  assert.equal((await best(first))?.row, added);
  assert.equal((await best(second))?.row, changed);
  assert.ok(((await best(before.vector))?.estimate ?? 1) < 1 - tolerance);
  const found = await index.search(third, visibleRows([...source.rows(), removed]), rowCount + 1);
  assert.ok(found.every(({ row }) => row !== removed));
}

async function breaksTies({ index, source, others: [vector] }: Setting): Promise<void> {
  const twins = [rowCount + 3, 7, rowCount + 1];
  for (const row of twins) source.set(row, vector);
  await index.refresh(twins);
  const found = await index.search(vector, visibleRows(source.rows()), limit);
  assert.deepEqual(found.slice(0, 3), found.filter(({ row }) => twins.includes(row)).sort(byEstimate));
}

function filledSource(vectors: readonly Float32Array[]): VectorSourceFixture {
  const source = new VectorSourceFixture();
  for (const [i, vector] of vectors.entries()) {
    // Every tenth row has two chunks.
    if (i % 10 === 0) source.set(i + 1, vector, (vectors[i + 1] ?? vector).map(opposite));
    else source.set(i + 1, vector);
  }
  return source;
}

async function assertFinds({ index, source, queries }: Setting, visible: VisibleRows): Promise<void> {
  let hits = 0;
  for (const query of queries) {
    const expected = nearest(source, query, visible).slice(0, 10);
    const found = await index.search(query, visible, limit);
    assert.equal(found.length, limit);
    assertOnce(found);
    assert.deepEqual(found, [...found].sort(byEstimate));
    for (const candidate of found) assertSound(candidate, cosineOf(source, query, candidate.row), visible);
    hits += expected.filter(({ row }) => found.some((candidate) => candidate.row === row)).length;
  }
  const recall = hits / (10 * queries.length);
  assert.ok(recall >= 0.98, `Recall is ${recall}.`);
}

function assertSound({ row, estimate, score }: VectorCandidate, cosine: number, visible: VisibleRows): void {
  assert.ok(visible.has(row), `Row ${row} is not visible.`);
  assert.ok(Math.abs(cosine - estimate) < tolerance, `Row ${row} has cosine ${cosine}, not ${estimate}.`);
  assert.ok(score === undefined || score === cosine, `Row ${row} has score ${cosine}, not ${score}.`);
}

function assertOnce(found: readonly VectorCandidate[]): void {
  assert.equal(new Set(found.map(({ row }) => row)).size, found.length);
}

function byEstimate(a: VectorCandidate, b: VectorCandidate): number {
  return b.estimate - a.estimate || a.row - b.row;
}

function opposite(component: number): number {
  return -component;
}

function nearest(source: VectorSource, query: Float32Array, visible: VisibleRows): { row: number; cosine: number }[] {
  const rows = Array.from(visible.rows(), (row) => ({ row, cosine: cosineOf(source, query, row) }));
  return rows.sort((a, b) => b.cosine - a.cosine || a.row - b.row);
}

function cosineOf(source: VectorSource, query: Float32Array, row: number): number {
  const chunks = [...source.read([row])];
  return bestChunk(
    query,
    chunks.map(({ vector }) => vector),
  );
}
