import assert from 'node:assert/strict';
import { bestChunk } from '../vector-index/kernel/dot';
import type { VectorCandidate, VectorIndex, VectorSource, VisibleRows } from '../vector-index/vector-index';
import type { ConformanceCase } from './conformance';
import { seededVectors, VectorTruthFixture, visibleRows } from './vector-truth';

const rowCount = 600;
const queryCount = 20;
const limit = 24;
// How far an estimate may lie from the cosine.
const tolerance = 0.02;

interface Setting {
  readonly index: VectorIndex;
  readonly truth: VectorTruthFixture;
  readonly queries: readonly Float32Array[];
  /** Vectors of length 1 that are not stored. */
  readonly others: readonly [Float32Array, Float32Array, Float32Array];
}

/**
 * What every vector index promises. `create` makes an index over vectors of that many dimensions, which the truth holds
 * already, and waits until it is ready.
 */
export function vectorIndexConformance(
  create: (source: VectorSource) => Promise<VectorIndex>,
  dimensions = 24,
): ConformanceCase[] {
  const check = (name: string, promise: (setting: Setting) => Promise<void>) => ({
    name,
    async run() {
      // Queries of the same clusters, as questions about stored texts are.
      const vectors = seededVectors(1, rowCount + queryCount, dimensions);
      const truth = filledTruth(vectors.slice(0, rowCount));
      const others = seededVectors(2, 3, dimensions) as [Float32Array, Float32Array, Float32Array];
      const index = await create(truth);
      try {
        await promise({ index, truth, queries: vectors.slice(rowCount), others });
      } finally {
        await index.close();
      }
    },
  });
  return [
    check('finds the nearest of everything, best first', async (setting) => {
      await assertFinds(setting, visibleRows(setting.truth.rows()));
    }),
    check('finds the nearest of what is visible, and nothing else', async (setting) => {
      await assertFinds(setting, visibleRows(setting.truth.rows().filter((row) => row % 3 === 0)));
    }),
    check('finds as many as were asked for while so many are visible, however far away', findsWhatIsFar),
    check('finds a row once, by its best part', findsByBestPart),
    check('follows what is added, changed and removed', follows),
    check('puts the lower row first where two are equally near', breaksTies),
    check('answers the same search with the same candidates', async ({ index, truth, queries }) => {
      const visible = visibleRows(truth.rows());
      for (const query of queries) {
        assert.deepEqual(await index.search(query, visible, limit), await index.search(query, visible, limit));
      }
    }),
    check('finds nothing where nothing is visible, or nothing is asked for', async ({ index, truth, others }) => {
      const [query] = others;
      assert.deepEqual(await index.search(query, visibleRows([]), limit), []);
      assert.deepEqual(await index.search(query, visibleRows([rowCount + 9]), limit), []);
      assert.deepEqual(await index.search(query, visibleRows(truth.rows()), 0), []);
    }),
    check('answers a search that runs while it is closed', async ({ index, truth, others }) => {
      const search = index.search(others[0], visibleRows(truth.rows()), limit);
      await index.close();
      assert.equal((await search).length, limit);
    }),
  ];
}

async function findsWhatIsFar({ index, truth, queries }: Setting): Promise<void> {
  for (const query of queries) {
    const farthest = nearest(truth, query, visibleRows(truth.rows())).slice(-200);
    const visible = visibleRows(farthest.map(({ row }) => row));
    assert.equal((await index.search(query, visible, limit)).length, limit);
    assert.equal((await index.search(query, visible, rowCount)).length, 200);
  }
}

async function findsByBestPart({ index, truth, others: [near, far] }: Setting): Promise<void> {
  truth.set(rowCount + 1, far, near, far.map(opposite));
  await index.refresh([rowCount + 1]);
  const found = await index.search(near, visibleRows(truth.rows()), limit);
  assert.equal(found[0]?.row, rowCount + 1);
  assert.ok(Math.abs((found[0]?.estimate ?? 0) - 1) < tolerance);
  assertOnce(found);
}

async function follows({ index, truth, others: [first, second, third] }: Setting): Promise<void> {
  const [added, changed, removed] = [rowCount + 1, 1, 2];
  const [before] = [...truth.read([changed])];
  assert.ok(before);
  truth.set(added, first);
  truth.set(changed, second);
  truth.set(removed);
  await index.refresh([added, changed, removed]);
  const best = async (query: Float32Array) => (await index.search(query, visibleRows(truth.rows()), limit))[0];
  assert.equal((await best(first))?.row, added);
  assert.equal((await best(second))?.row, changed);
  assert.ok(((await best(before.vector))?.estimate ?? 1) < 1 - tolerance);
  const found = await index.search(third, visibleRows([...truth.rows(), removed]), rowCount + 1);
  assert.ok(found.every(({ row }) => row !== removed));
}

async function breaksTies({ index, truth, others: [vector] }: Setting): Promise<void> {
  const twins = [rowCount + 3, 7, rowCount + 1];
  for (const row of twins) truth.set(row, vector);
  await index.refresh(twins);
  const found = await index.search(vector, visibleRows(truth.rows()), limit);
  assert.deepEqual(found.slice(0, 3), found.filter(({ row }) => twins.includes(row)).sort(byEstimate));
}

function filledTruth(vectors: readonly Float32Array[]): VectorTruthFixture {
  const truth = new VectorTruthFixture();
  for (const [i, vector] of vectors.entries()) {
    // Every tenth is in two parts.
    if (i % 10 === 0) truth.set(i + 1, vector, (vectors[i + 1] ?? vector).map(opposite));
    else truth.set(i + 1, vector);
  }
  return truth;
}

async function assertFinds({ index, truth, queries }: Setting, visible: VisibleRows): Promise<void> {
  let hits = 0;
  for (const query of queries) {
    const expected = nearest(truth, query, visible).slice(0, 10);
    const found = await index.search(query, visible, limit);
    assert.equal(found.length, limit);
    assertOnce(found);
    assert.deepEqual(found, [...found].sort(byEstimate));
    for (const candidate of found) assertSound(candidate, cosineOf(truth, query, candidate.row), visible);
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
  const parts = [...source.read([row])];
  return bestChunk(
    query,
    parts.map(({ vector }) => vector),
  );
}
