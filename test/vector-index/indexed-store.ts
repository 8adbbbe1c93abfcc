import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MemoryError } from '../../src/domain/errors';
import { seededVectors, VectorSourceFixture, visibleRows } from '../../src/testing/vector-source-fixture';
import { ExactIndex } from '../../src/vector-index/exact-index';
import type { IndexManifest } from '../../src/vector-index/index-manifest';
import { Indexer, type IndexerOptions } from '../../src/vector-index/indexer';
import { bestChunk } from '../../src/vector-index/kernel/dot';

export const dimensions = 24;
export const exactUpTo = 100;
const rowCount = 400;
const vectors = seededVectors(1, rowCount + 10, dimensions);
const queries = vectors.slice(rowCount);
let generations = 0;

/** An indexer over a source of 400 rows, with the events that it has emitted. */
export interface IndexedStore {
  readonly folder: string;
  readonly source: VectorSourceFixture;
  readonly indexer: Indexer;
  readonly indexed: number[];
  readonly degraded: MemoryError[];
}

export function filledSource(rows = rowCount): VectorSourceFixture {
  const source = new VectorSourceFixture();
  for (let row = 1; row <= rows; row++) source.set(row, vectors[row - 1] as Float32Array);
  return source;
}

export function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'indexer-'));
}

export function openStore(
  folder: string,
  source: VectorSourceFixture,
  options: Partial<IndexerOptions> = {},
): IndexedStore {
  const indexed: number[] = [];
  const degraded: MemoryError[] = [];
  const indexer = new Indexer({
    folder,
    space: 'model',
    dimensions,
    source,
    exact: new ExactIndex({ dimensions, memoryBytes: 2 ** 20, source }),
    exactUpTo,
    newId: () => `g${generations++}`,
    onIndexed: (changeSeq) => indexed.push(changeSeq),
    onDegraded: (error) => degraded.push(error),
    ...options,
  });
  return { folder, source, indexer, indexed, degraded };
}

/** Opens an indexer and waits until it uses an approximate index. */
export async function readyStore(
  folder: string,
  source: VectorSourceFixture,
  options: Partial<IndexerOptions> = {},
): Promise<IndexedStore> {
  const store = openStore(folder, source, options);
  await store.indexer.start();
  await store.indexer.settled();
  expect(store.indexer.hasIndex).toBe(true);
  return store;
}

/** Makes one change and reports it to the indexer. */
export function change({ source, indexer }: IndexedStore, row: number, ...chunks: Float32Array[]): void {
  source.set(row, ...chunks);
  indexer.applied(source.lastChangeSeq(), [row]);
}

/** Vectors that the source does not hold. */
export function otherVectors(count: number): Float32Array[] {
  return seededVectors(99, count, dimensions);
}

export async function nearestRow({ source, indexer }: IndexedStore, query: Float32Array): Promise<number | undefined> {
  return (await indexer.search(query, visibleRows(source.rows()), 10))[0]?.row;
}

/** Expects that searches find the nearest rows, with the scores of the stored vectors. */
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

function cosine(source: VectorSourceFixture, query: Float32Array, row: number): number {
  return bestChunk(
    query,
    [...source.read([row])].map(({ vector }) => vector),
  );
}

export async function manifestIn(folder: string): Promise<IndexManifest | undefined> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { manifest: IndexManifest }).manifest;
}

export async function entriesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
