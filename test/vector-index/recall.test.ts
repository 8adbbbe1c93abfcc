import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededVectors, VectorSourceFixture, visibleRows } from '../../src/testing/vector-source-fixture';
import { ExactIndex } from '../../src/vector-index/exact-index';
import { Indexer } from '../../src/vector-index/indexer';
import { dot } from '../../src/vector-index/kernel/dot';
import { newFolder } from './indexed-store';

const dimensions = 32;
const rowCount = 6000;
const vectors = seededVectors(3, rowCount + 50, dimensions);
const queries = vectors.slice(rowCount);
const rows = Array.from({ length: rowCount }, (_, i) => i + 1);

let folder: string;
let indexer: Indexer;

beforeAll(async () => {
  folder = await newFolder();
  const source = new VectorSourceFixture();
  for (const row of rows) source.set(row, vectors[row - 1] as Float32Array);
  const exact = new ExactIndex({ dimensions, memoryBytes: 0, source });
  indexer = new Indexer({ folder, space: 's', dimensions, source, exact, newId: () => 'g', exactUpTo: 500 });
  await indexer.start();
  await indexer.settled();
  expect(indexer.hasIndex).toBe(true);
});
afterAll(async () => {
  await indexer.close();
  await rm(folder, { recursive: true });
});

/** The share of the ten nearest visible rows that are among 24 candidates. */
async function recall(seen: readonly number[]): Promise<number> {
  const visible = visibleRows(seen);
  let hits = 0;
  for (const query of queries) {
    const scores = seen.map((row) => ({ row, score: dot(query, vectors[row - 1] as Float32Array) }));
    const nearest = scores.sort((a, b) => b.score - a.score).slice(0, 10);
    const found = new Set((await indexer.search(query, visible, 24)).map(({ row }) => row));
    hits += nearest.filter(({ row }) => found.has(row)).length;
  }
  return hits / (10 * queries.length);
}

describe('the approximate index finds 99 of the 100 nearest rows', () => {
  test('if all rows are visible', async () => {
    expect(await recall(rows)).toBeGreaterThanOrEqual(0.99);
  });

  test.each([2, 3, 5, 10])('if one row of %i is visible', async (every) => {
    expect(await recall(rows.filter((row) => row % every === 0))).toBeGreaterThanOrEqual(0.99);
  });

  test('if the visible rows are on one side of the vector space', async () => {
    const side = (row: number) => vectors[row - 1]?.[0] ?? 0;
    const quarter = [...rows].sort((a, b) => side(a) - side(b)).slice(0, rowCount / 4);
    expect(await recall(quarter.sort((a, b) => a - b))).toBeGreaterThanOrEqual(0.99);
  });
});
