import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MemoryError } from '../../src/domain/errors';
import { seededVectors, VectorTruthFixture, visibleRows } from '../../src/testing/vector-truth';
import { exactIndex } from '../../src/vector-index/exact-index';
import type { IndexManifest } from '../../src/vector-index/index-manifest';
import { Indexer, type IndexerOptions } from '../../src/vector-index/indexer';
import { bestChunk } from '../../src/vector-index/kernel/dot';

export const dimensions = 24;
export const exactUpTo = 100;
const rowCount = 400;
const vectors = seededVectors(1, rowCount + 10, dimensions);
const queries = vectors.slice(rowCount);
let generations = 0;

/** An indexer over a source of 400 rows, with what it has told. */
export interface IndexedStore {
  readonly folder: string;
  readonly source: VectorTruthFixture;
  readonly indexer: Indexer;
  readonly indexed: number[];
  readonly degraded: MemoryError[];
}

export function filledTruth(rows = rowCount): VectorTruthFixture {
  const source = new VectorTruthFixture();
  for (let row = 1; row <= rows; row++) source.set(row, vectors[row - 1] as Float32Array);
  return source;
}

export function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'indexer-'));
}

export function openStore(
  folder: string,
  source: VectorTruthFixture,
  options: Partial<IndexerOptions> = {},
): IndexedStore {
  const indexed: number[] = [];
  const degraded: MemoryError[] = [];
  const indexer = new Indexer({
    folder,
    space: 'model',
    dimensions,
    source,
    exact: exactIndex({ dimensions, memoryBytes: 2 ** 20, source }),
    exactUpTo,
    newId: () => `g${generations++}`,
    onIndexed: (entry) => indexed.push(entry),
    onDegraded: (error) => degraded.push(error),
    ...options,
  });
  return { folder, source, indexer, indexed, degraded };
}

/** Opened, and with an approximate index in use. */
export async function readyStore(folder: string, source: VectorTruthFixture): Promise<IndexedStore> {
  const store = openStore(folder, source);
  await store.indexer.start();
  await store.indexer.settled();
  expect(store.indexer.ready).toBe(true);
  return store;
}

/** One change, told to the indexer. */
export function change({ source, indexer }: IndexedStore, row: number, ...parts: Float32Array[]): void {
  source.set(row, ...parts);
  indexer.applied(source.entry(), [row]);
}

/** Vectors that are not among those of the source. */
export function otherVectors(count: number): Float32Array[] {
  return seededVectors(99, count, dimensions);
}

export async function nearestRow({ source, indexer }: IndexedStore, query: Float32Array): Promise<number | undefined> {
  return (await indexer.search(query, visibleRows(source.rows()), 10))[0]?.row;
}

/** Finds the true nearest, with the truth's own scores. */
export async function expectRightAnswers({ source, indexer }: IndexedStore): Promise<void> {
  const visible = visibleRows(source.rows());
  let hits = 0;
  for (const query of queries) {
    const found = await indexer.search(query, visible, 24);
    for (const { row, score } of found) expect(score ?? cosine(source, query, row)).toBe(cosine(source, query, row));
    const nearest = Array.from(source.rows()).sort((a, b) => cosine(source, query, b) - cosine(source, query, a));
    hits += nearest.slice(0, 10).filter((row) => found.some((candidate) => candidate.row === row)).length;
  }
  expect(hits / (10 * queries.length)).toBeGreaterThanOrEqual(0.95);
}

function cosine(source: VectorTruthFixture, query: Float32Array, row: number): number {
  return bestChunk(
    query,
    [...source.read([row])].map(({ vector }) => vector),
  );
}

export async function sealIn(folder: string): Promise<IndexManifest | undefined> {
  const text = await readFile(join(folder, 'seal.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { seal: IndexManifest }).seal;
}

export async function entriesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
