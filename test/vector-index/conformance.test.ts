import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { vectorIndexConformance } from '../../src/testing/vector-index-conformance';
import { exactIndex } from '../../src/vector-index/exact-index';
import { Indexer } from '../../src/vector-index/indexer';
import type { VectorIndex, VectorTruth } from '../../src/vector-index/vector-index';

const dimensions = 24;
let folder: string;
let generation = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vector-index-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function indexer(truth: VectorTruth): Promise<VectorIndex> {
  const exact = exactIndex({ dimensions, memoryBytes: 2 ** 20, truth });
  const newId = () => `g${generation++}`;
  const index = new Indexer({
    folder: join(folder, newId()),
    space: 's',
    dimensions,
    truth,
    exact,
    newId,
    exactUpTo: 50,
  });
  await index.start();
  await index.settled();
  return index;
}

describe.each([
  ['in memory', async (truth: VectorTruth) => exactIndex({ dimensions, memoryBytes: 2 ** 20, truth })],
  ['in memory that is too small', async (truth: VectorTruth) => exactIndex({ dimensions, memoryBytes: 10_000, truth })],
  ['with LanceDB', indexer],
])('a vector index %s', (_, create) => {
  for (const { name, run } of vectorIndexConformance(create)) test(name, run);
});
