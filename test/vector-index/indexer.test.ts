import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nextTurn } from '../../src/environment/timers';
import { visibleRows } from '../../src/testing/vector-truth';
import {
  change,
  entriesIn,
  exactUpTo,
  expectRightAnswers,
  filledTruth,
  type IndexedStore,
  nearestRow,
  newFolder,
  openStore,
  otherVectors,
  readyStore,
  sealIn,
} from './indexed-store';

let folder: string;
const opened: IndexedStore[] = [];

beforeEach(async () => {
  folder = await newFolder();
});
afterEach(async () => {
  for (const { indexer } of opened.splice(0)) await indexer.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function ready(source = filledTruth()): Promise<IndexedStore> {
  const store = await readyStore(folder, source);
  opened.push(store);
  return store;
}

function open(source = filledTruth(), options: Parameters<typeof openStore>[2] = {}): IndexedStore {
  const store = openStore(folder, source, options);
  opened.push(store);
  return store;
}

const [first, second, third] = otherVectors(3) as [Float32Array, Float32Array, Float32Array];

describe('a small store', () => {
  test('has no approximate index, and is never behind', async () => {
    const store = open(filledTruth(exactUpTo));
    await store.indexer.start();
    change(store, 7, first);
    await store.indexer.settled();
    await store.indexer.rebuild();
    expect(store.indexer).toMatchObject({ ready: false, lag: 0 });
    expect(store.indexed).toEqual([exactUpTo + 1]);
    expect(await nearestRow(store, first)).toBe(7);
    expect(await store.indexer.check()).toEqual([]);
    expect(await entriesIn(folder)).toEqual([]);
  });

  test('gets one by itself when it has grown', async () => {
    const store = open(filledTruth(exactUpTo));
    await store.indexer.start();
    for (const [i, vector] of otherVectors(exactUpTo).entries()) change(store, exactUpTo + 1 + i, vector);
    await store.indexer.settled();
    expect(store.indexer.ready).toBe(true);
    await expectRightAnswers(store);
  });
});

describe('a large store', () => {
  test('is searched exactly until its index is there', async () => {
    const store = open();
    await store.indexer.start();
    expect(store.indexer).toMatchObject({ ready: false, lag: 400 });
    await expectRightAnswers(store);
    await store.indexer.settled();
    expect(store.indexer).toMatchObject({ ready: true, lag: 0 });
    expect(store.indexed).toEqual([400]);
    await expectRightAnswers(store);
  });

  test('finds at once what was written, in its latest form', async () => {
    const store = await ready();
    change(store, 500, first);
    change(store, 1, second);
    change(store, 2);
    expect(store.indexer.lag).toBe(3);
    expect([...store.indexer.tail]).toEqual([500, 1, 2]);
    expect(await nearestRow(store, first)).toBe(500);
    expect(await nearestRow(store, second)).toBe(1);
    change(store, 500, third);
    expect(await nearestRow(store, third)).toBe(500);
    await expectRightAnswers(store);
  });

  test('never finds what is not visible, indexed or not', async () => {
    const store = await ready();
    for (let row = 401; row <= 440; row++) change(store, row, first);
    const visible = visibleRows(store.source.rows().filter((row) => row % 2 === 0));
    const found = await store.indexer.search(first, visible, 200);
    expect(found).toHaveLength(200);
    expect(found.every(({ row }) => row % 2 === 0)).toBe(true);
  });

  test('indexes anew by itself when a quarter has changed', async () => {
    const store = await ready();
    for (const [i, vector] of otherVectors(100).entries()) change(store, 401 + i, vector);
    await store.indexer.settled();
    expect(store.indexer).toMatchObject({ lag: 0 });
    expect((await sealIn(folder))?.indexedThrough).toBe(500);
    expect(store.indexed).toEqual([400, 500]);
    await expectRightAnswers(store);
  });

  test('keeps what changes while it is indexed', async () => {
    const store = await ready();
    change(store, 401, first);
    const rebuilding = store.indexer.rebuild();
    await nextTurn();
    change(store, 402, second);
    change(store, 401, third);
    change(store, 3);
    await rebuilding;
    expect([...store.indexer.tail]).toEqual([402, 401, 3]);
    expect(await nearestRow(store, second)).toBe(402);
    expect(await nearestRow(store, third)).toBe(401);
    await expectRightAnswers(store);
  });

  test('answers searches that run while its index is replaced', async () => {
    const store = await ready();
    change(store, 401, first);
    const rebuilding = store.indexer.rebuild();
    let isReplaced = false;
    void rebuilding.then(() => {
      isReplaced = true;
    });
    while (!isReplaced) expect(await nearestRow(store, first)).toBe(401);
    expect(store.degraded).toEqual([]);
  });

  test('leaves one generation on disk', async () => {
    const store = await ready();
    const before = await sealIn(folder);
    await store.indexer.rebuild();
    const after = await sealIn(folder);
    expect(after?.generation).not.toBe(before?.generation);
    expect(await entriesIn(folder)).toEqual([after?.generation, 'seal.json'].sort());
  });
});

describe('a store that is opened again', () => {
  test('has its index at once, and searches exactly what has changed since', async () => {
    const { source, indexer } = await ready();
    const before = await sealIn(folder);
    await indexer.close();
    source.set(600, first);
    const store = open(source);
    await store.indexer.start();
    expect(store.indexer).toMatchObject({ ready: true, lag: 1 });
    expect([...store.indexer.tail]).toEqual([600]);
    expect(await nearestRow(store, first)).toBe(600);
    await expectRightAnswers(store);
    expect(await sealIn(folder)).toEqual(before);
    expect(store.degraded).toEqual([]);
  });

  test('builds anew for another embedding space', async () => {
    const { source, indexer } = await ready();
    const before = await sealIn(folder);
    await indexer.close();
    const store = open(source, { space: 'another model' });
    await store.indexer.start();
    expect(store.indexer.ready).toBe(false);
    await store.indexer.settled();
    expect((await sealIn(folder))?.generation).not.toBe(before?.generation);
    expect(store.degraded).toEqual([]);
  });

  test('builds anew where the source is older than the index', async () => {
    const { source, indexer } = await ready();
    source.set(9, first);
    indexer.applied(source.entry(), [9]);
    await indexer.rebuild();
    await indexer.close();
    const store = open(filledTruth());
    await store.indexer.start();
    expect(store.indexer.ready).toBe(false);
    await store.indexer.settled();
    await expectRightAnswers(store);
  });
});

describe('closing', () => {
  test('ends a first build, and leaves nothing that is taken for an index', async () => {
    const { source, indexer } = open();
    await indexer.start();
    await indexer.close();
    expect(await sealIn(folder)).toBeUndefined();
    const store = await ready(source);
    await expectRightAnswers(store);
    expect(await entriesIn(folder)).toHaveLength(2);
  });

  test('ends a later build, and leaves the index before it', async () => {
    const { source, indexer } = await ready();
    const before = await sealIn(folder);
    const rebuilding = indexer.rebuild();
    await indexer.close();
    await rebuilding;
    expect(await sealIn(folder)).toEqual(before);
    const store = open(source);
    await store.indexer.start();
    expect(store.indexer.ready).toBe(true);
    await expectRightAnswers(store);
  });
});

describe('a build that fails', () => {
  test('is told, changes no answer, and is tried again when more has changed', async () => {
    const blocked = join(folder, 'not-a-folder');
    await writeFile(blocked, '');
    const store = open(filledTruth(), { folder: blocked });
    await store.indexer.start();
    await store.indexer.settled();
    expect(store.indexer.ready).toBe(false);
    expect(store.degraded).toEqual([expect.objectContaining({ name: 'MemoryError' })]);
    await expectRightAnswers(store);
    await expect(store.indexer.rebuild()).rejects.toThrow('could not be built');
    await rm(blocked);
    for (const [i, vector] of otherVectors(1000).entries()) change(store, 401 + i, vector);
    await store.indexer.settled();
    expect(store.indexer.ready).toBe(true);
    await expectRightAnswers(store);
  });
});
