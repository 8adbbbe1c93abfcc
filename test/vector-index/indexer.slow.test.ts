import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nextTurn } from '../../src/environment/timers';
import { visibleRows } from '../../src/testing/vector-source-fixture';
import {
  change,
  entriesIn,
  exactUpTo,
  expectRightAnswers,
  filledSource,
  type IndexedStore,
  manifestIn,
  nearestRow,
  newFolder,
  openStore,
  otherVectors,
  readyStore,
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

async function ready(source = filledSource()): Promise<IndexedStore> {
  const store = await readyStore(folder, source);
  opened.push(store);
  return store;
}

function open(source = filledSource(), options: Parameters<typeof openStore>[2] = {}): IndexedStore {
  const store = openStore(folder, source, options);
  opened.push(store);
  return store;
}

const [first, second, third] = otherVectors(3) as [Float32Array, Float32Array, Float32Array];

describe('a small store', () => {
  test('has no approximate index, and never reports that its index is behind', async () => {
    const store = open(filledSource(exactUpTo));
    await store.indexer.start();
    change(store, 7, first);
    await store.indexer.settled();
    await store.indexer.rebuild();
    expect(store.indexer).toMatchObject({ hasIndex: false, behind: 0 });
    expect(store.indexed).toEqual([exactUpTo + 1]);
    expect(await nearestRow(store, first)).toBe(7);
    expect(await store.indexer.check()).toEqual([]);
    expect(await entriesIn(folder)).toEqual([]);
  });

  test('builds an index in the background after it has grown', async () => {
    const store = open(filledSource(exactUpTo));
    await store.indexer.start();
    for (const [i, vector] of otherVectors(exactUpTo).entries()) change(store, exactUpTo + 1 + i, vector);
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(true);
    await expectRightAnswers(store);
  });
});

describe('a large store', () => {
  test('is searched exactly until its index is built', async () => {
    const store = open();
    await store.indexer.start();
    expect(store.indexer).toMatchObject({ hasIndex: false, behind: 400 });
    await expectRightAnswers(store);
    await store.indexer.settled();
    expect(store.indexer).toMatchObject({ hasIndex: true, behind: 0 });
    expect(store.indexed).toEqual([400]);
    await expectRightAnswers(store);
  });

  test('finds the new vectors of a row immediately after a change', async () => {
    const store = await ready();
    change(store, 500, first);
    change(store, 1, second);
    change(store, 2);
    expect(store.indexer.behind).toBe(3);
    expect([...store.indexer.tail]).toEqual([500, 1, 2]);
    expect(await nearestRow(store, first)).toBe(500);
    expect(await nearestRow(store, second)).toBe(1);
    change(store, 500, third);
    expect(await nearestRow(store, third)).toBe(500);
    await expectRightAnswers(store);
  });

  test('never finds a row that is not visible, whether the row is indexed or not', async () => {
    const store = await ready();
    for (let row = 401; row <= 440; row++) change(store, row, first);
    const visible = visibleRows(store.source.rows().filter((row) => row % 2 === 0));
    const found = await store.indexer.search(first, visible, 200);
    expect(found).toHaveLength(200);
    expect(found.every(({ row }) => row % 2 === 0)).toBe(true);
  });

  test('builds a new index in the background when a quarter of the rows has changed', async () => {
    const store = await ready();
    for (const [i, vector] of otherVectors(100).entries()) change(store, 401 + i, vector);
    await store.indexer.settled();
    expect(store.indexer).toMatchObject({ behind: 0 });
    expect((await manifestIn(folder))?.indexedThrough).toBe(500);
    expect(store.indexed).toEqual([400, 500]);
    await expectRightAnswers(store);
  });

  test('includes the changes that are made during a build', async () => {
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

  test('answers searches while its index is being replaced', async () => {
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

  test('keeps only one generation of its index on disk', async () => {
    const store = await ready();
    const before = await manifestIn(folder);
    await store.indexer.rebuild();
    const after = await manifestIn(folder);
    expect(after?.generation).not.toBe(before?.generation);
    expect(await entriesIn(folder)).toEqual([after?.generation, 'manifest.json'].sort());
  });
});

describe('a reopened store', () => {
  test('uses its index immediately, and also scans the rows that changed later', async () => {
    const { source, indexer } = await ready();
    const before = await manifestIn(folder);
    await indexer.close();
    source.set(600, first);
    const store = open(source);
    await store.indexer.start();
    expect(store.indexer).toMatchObject({ hasIndex: true, behind: 1 });
    expect([...store.indexer.tail]).toEqual([600]);
    expect(await nearestRow(store, first)).toBe(600);
    await expectRightAnswers(store);
    expect(await manifestIn(folder)).toEqual(before);
    expect(store.degraded).toEqual([]);
  });

  test('builds a new index for another embedding space', async () => {
    const { source, indexer } = await ready();
    const before = await manifestIn(folder);
    await indexer.close();
    const store = open(source, { space: 'another model' });
    await store.indexer.start();
    expect(store.indexer.hasIndex).toBe(false);
    await store.indexer.settled();
    expect((await manifestIn(folder))?.generation).not.toBe(before?.generation);
    expect(store.degraded).toEqual([]);
  });

  test('builds a new index if the database is older than the index', async () => {
    const { source, indexer } = await ready();
    source.set(9, first);
    indexer.applied(source.lastChangeSeq(), [9]);
    await indexer.rebuild();
    await indexer.close();
    const store = open(filledSource());
    await store.indexer.start();
    expect(store.indexer.hasIndex).toBe(false);
    await store.indexer.settled();
    await expectRightAnswers(store);
  });
});

describe('closing', () => {
  test('stops a first build and leaves no manifest', async () => {
    const { source, indexer } = open();
    await indexer.start();
    await indexer.close();
    expect(await manifestIn(folder)).toBeUndefined();
    const store = await ready(source);
    await expectRightAnswers(store);
    expect(await entriesIn(folder)).toHaveLength(2);
  });

  test('stops a later build and keeps the earlier index', async () => {
    const { source, indexer } = await ready();
    const before = await manifestIn(folder);
    const rebuilding = indexer.rebuild();
    await indexer.close();
    await rebuilding;
    expect(await manifestIn(folder)).toEqual(before);
    const store = open(source);
    await store.indexer.start();
    expect(store.indexer.hasIndex).toBe(true);
    await expectRightAnswers(store);
  });
});

describe('a failing build', () => {
  test('is reported, changes no search result, and is tried again after more changes', async () => {
    const blocked = join(folder, 'not-a-folder');
    await writeFile(blocked, '');
    const store = open(filledSource(), { folder: blocked });
    await store.indexer.start();
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(false);
    expect(store.degraded).toEqual([expect.objectContaining({ name: 'MemoryError' })]);
    await expectRightAnswers(store);
    await expect(store.indexer.rebuild()).rejects.toThrow('could not be built');
    await rm(blocked);
    for (const [i, vector] of otherVectors(1000).entries()) change(store, 401 + i, vector);
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(true);
    await expectRightAnswers(store);
  });
});
