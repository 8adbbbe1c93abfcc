import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vectorIndexConformance } from '../../src/testing/vector-index-conformance';
import { ExactIndex } from '../../src/vector-index/exact-index';
import { Indexer } from '../../src/vector-index/indexer';
import type { VectorIndex, VectorSource } from '../../src/vector-index/vector-index';
import { newFolder } from './indexed-store';

let folder: string;
let generation = 0;

beforeAll(async () => {
  folder = await newFolder();
});
afterAll(() => rm(folder, { recursive: true }));

function inMemory(memoryBytes: number, dimensions: number) {
  return async (source: VectorSource) => new ExactIndex({ dimensions, memoryBytes, source });
}

function withLanceDb(dimensions: number) {
  return async (source: VectorSource): Promise<VectorIndex> => {
    const exact = new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source });
    const newId = () => `g${generation++}`;
    const options = { folder: join(folder, newId()), space: 's', dimensions, source, exact, newId, exactUpTo: 50 };
    const index = new Indexer(options);
    await index.start();
    await index.settled();
    expect(index.hasIndex).toBe(true);
    return index;
  };
}

describe.each([
  ['in memory', 24, inMemory(2 ** 20, 24)],
  ['in too little memory for all vectors', 23, inMemory(10_000, 23)],
  ['in LanceDB, with codes', 24, withLanceDb(24)],
  ['in LanceDB, with dimensions that have no codes', 23, withLanceDb(23)],
])('a vector index %s', (_, dimensions, create) => {
  for (const { name, run } of vectorIndexConformance(create, dimensions)) test(name, run);
});
