import assert from 'node:assert/strict';
import { bestPart } from '../vector-index/kernel/dot';
import type { Candidate, VectorIndex, VectorTruth, VisibleRows } from '../vector-index/vector-index';
import type { ConformanceCase } from './conformance';
import { seededVectors, VectorTruthFixture, visibleRows } from './vector-truth';

const dimensions = 24;
const rowCount = 600;
const limit = 24;
// How far an estimate may lie from the cosine.
const tolerance = 0.02;

/** What every vector index promises. `create` makes an index over a truth that is not empty and gives it time to be ready. */
export function vectorIndexConformance(create: (truth: VectorTruth) => Promise<VectorIndex>): ConformanceCase[] {
  const check = (name: string, run: (index: VectorIndex, truth: VectorTruthFixture) => Promise<void>) => ({
    name,
    async run() {
      const truth = filledTruth();
      const index = await create(truth);
      try {
        await run(index, truth);
      } finally {
        await index.close();
      }
    },
  });
  return [
    check('finds the nearest of everything, best first', async (index, truth) => {
      await assertFinds(index, truth, visibleRows(truth.rows()));
    }),
    check('finds the nearest of what is visible, and nothing else', async (index, truth) => {
      await assertFinds(index, truth, visibleRows(truth.rows().filter((row) => row % 3 === 0)));
    }),
    check('finds as many as were asked for while so many are visible, however far away', async (index, truth) => {
      for (const query of queries) {
        const farthest = nearest(truth, query, visibleRows(truth.rows())).slice(-200);
        const visible = visibleRows(farthest.map(({ row }) => row));
        assert.equal((await index.search(query, visible, limit)).length, limit);
        assert.equal((await index.search(query, visible, rowCount)).length, 200);
      }
    }),
    check('finds a row once, by its best part', async (index, truth) => {
      const [near, far] = seededVectors(77, 2, dimensions) as [Float32Array, Float32Array];
      truth.set(
        rowCount + 1,
        far,
        near,
        far.map((x) => -x),
      );
      await index.refresh([rowCount + 1]);
      const found = await index.search(near, visibleRows(truth.rows()), limit);
      assert.equal(found[0]?.row, rowCount + 1);
      assert.ok(Math.abs((found[0]?.estimate ?? 0) - 1) < tolerance);
      assertOnce(found);
    }),
    check('follows what is added, changed and removed', async (index, truth) => {
      const [added, changed, removed] = [rowCount + 1, 1, 2];
      const [first, second, third] = seededVectors(78, 3, dimensions) as [Float32Array, Float32Array, Float32Array];
      const before = bestVector(truth, changed);
      truth.set(added, first);
      truth.set(changed, second);
      truth.set(removed);
      await index.refresh([added, changed, removed]);
      const best = async (query: Float32Array, rows: Iterable<number>) =>
        (await index.search(query, visibleRows(rows), limit))[0];
      assert.equal((await best(first, truth.rows()))?.row, added);
      assert.equal((await best(second, truth.rows()))?.row, changed);
      assert.ok(((await best(before, truth.rows()))?.estimate ?? 1) < 1 - tolerance);
      const withRemoved = await index.search(third, visibleRows([...truth.rows(), removed]), rowCount + 1);
      assert.ok(withRemoved.every(({ row }) => row !== removed));
    }),
    check('puts the lower row first where two are equally near', async (index, truth) => {
      const [vector] = seededVectors(79, 1, dimensions) as [Float32Array];
      const twins = [rowCount + 3, 7, rowCount + 1];
      for (const row of twins) truth.set(row, vector);
      await index.refresh(twins);
      const found = await index.search(vector, visibleRows(truth.rows()), limit);
      const equal = found
        .filter(({ row }) => twins.includes(row))
        .sort((a, b) => b.estimate - a.estimate || a.row - b.row);
      assert.deepEqual(found.slice(0, 3), equal);
    }),
    check('answers the same search with the same candidates', async (index, truth) => {
      const visible = visibleRows(truth.rows());
      for (const query of queries) {
        assert.deepEqual(await index.search(query, visible, limit), await index.search(query, visible, limit));
      }
    }),
    check('finds nothing where nothing is visible, or nothing is asked for', async (index, truth) => {
      const [query] = queries as [Float32Array];
      assert.deepEqual(await index.search(query, visibleRows([]), limit), []);
      assert.deepEqual(await index.search(query, visibleRows([rowCount + 9]), limit), []);
      assert.deepEqual(await index.search(query, visibleRows(truth.rows()), 0), []);
    }),
    check('answers a search that runs while it is closed', async (index, truth) => {
      const [query] = queries as [Float32Array];
      const search = index.search(query, visibleRows(truth.rows()), limit);
      await index.close();
      assert.equal((await search).length, limit);
    }),
  ];
}

// Of the same clusters, as questions about stored texts are.
const vectors = seededVectors(1, rowCount + 20, dimensions);
const queries = vectors.slice(rowCount);

function filledTruth(): VectorTruthFixture {
  const truth = new VectorTruthFixture();
  for (const [i, vector] of vectors.slice(0, rowCount).entries()) {
    // Every tenth is in two parts.
    if (i % 10 === 0) truth.set(i + 1, vector, vectors[(i + 1) % rowCount] as Float32Array);
    else truth.set(i + 1, vector);
  }
  return truth;
}

function bestVector(truth: VectorTruth, row: number): Float32Array {
  const [first] = truth.read([row]);
  assert.ok(first);
  return first.vector;
}

async function assertFinds(index: VectorIndex, truth: VectorTruth, visible: VisibleRows): Promise<void> {
  let hits = 0;
  for (const query of queries) {
    const expected = nearest(truth, query, visible).slice(0, 10);
    const found = await index.search(query, visible, limit);
    assert.equal(found.length, limit);
    assertOnce(found);
    assertBestFirst(found);
    for (const { row, estimate, score } of found) {
      assert.ok(visible.has(row), `Row ${row} is not visible.`);
      const cosine = cosineOf(truth, query, row);
      assert.ok(Math.abs(cosine - estimate) < tolerance, `Row ${row} has cosine ${cosine}, not ${estimate}.`);
      assert.ok(score === undefined || score === cosine, `Row ${row} has score ${cosine}, not ${score}.`);
    }
    hits += expected.filter(({ row }) => found.some((candidate) => candidate.row === row)).length;
  }
  const recall = hits / (10 * queries.length);
  assert.ok(recall >= 0.98, `Recall is ${recall}.`);
}

function assertOnce(found: readonly Candidate[]): void {
  assert.equal(new Set(found.map(({ row }) => row)).size, found.length);
}

function assertBestFirst(found: readonly Candidate[]): void {
  assert.deepEqual(
    found,
    [...found].sort((a, b) => b.estimate - a.estimate || a.row - b.row),
  );
}

function nearest(truth: VectorTruth, query: Float32Array, visible: VisibleRows): { row: number; cosine: number }[] {
  const rows = Array.from(visible.rows(), (row) => ({ row, cosine: cosineOf(truth, query, row) }));
  return rows.sort((a, b) => b.cosine - a.cosine || a.row - b.row);
}

function cosineOf(truth: VectorTruth, query: Float32Array, row: number): number {
  return bestPart(
    query,
    [...truth.read([row])].map(({ vector }) => vector),
  );
}
