import { cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type VectorSourceFixture, visibleRows } from '../../src/testing/vector-source-fixture';
import {
  entriesIn,
  expectRightAnswers,
  filledSource,
  type IndexedStore,
  manifestIn,
  newFolder,
  openStore,
  otherVectors,
  readyStore,
} from './indexed-store';

let sound: string;
let folder: string;
let source: VectorSourceFixture;
let store: IndexedStore;

beforeAll(async () => {
  sound = await newFolder();
  const { indexer } = await readyStore(sound, filledSource());
  await indexer.close();
});
afterAll(() => rm(sound, { recursive: true }));

beforeEach(async () => {
  folder = await newFolder();
  await cp(sound, folder, { recursive: true });
  source = filledSource();
  store = openStore(folder, source);
  await store.indexer.start();
  expect(store.indexer.hasIndex).toBe(true);
});
afterEach(async () => {
  await store.indexer.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The endings of every kind of file that LanceDB writes. */
const kinds = ['.lance', 'index.idx', 'auxiliary.idx', '.manifest', '.txn', 'latest_version_hint.json'];

async function fileOf(kind: string): Promise<string> {
  const manifest = await manifestIn(folder);
  const file = manifest?.files.find(({ path }) => path.endsWith(kind));
  expect(file, `no file ends in ${kind}`).toBeDefined();
  return join(folder, manifest?.generation ?? '', file?.path ?? '');
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] as number) ^ 0x10;
  await writeFile(path, bytes);
}

async function halve(path: string): Promise<void> {
  await truncate(path, (await readFile(path)).length >> 1);
}

const damages: [string, (path: string) => Promise<void>][] = [
  ['a flipped bit', flip],
  ['truncated to half', halve],
  ['removed', (path) => rm(path)],
];

async function reopen(): Promise<void> {
  await store.indexer.close();
  store = openStore(folder, source);
  await store.indexer.start();
}

async function expectDetected(): Promise<void> {
  expect(store.degraded.map(({ message }) => message)).toEqual([expect.stringContaining('damaged')]);
  await expectRightAnswers(store);
}

async function expectRepaired(): Promise<void> {
  await expectDetected();
  await store.indexer.settled();
  expect(store.indexer.hasIndex).toBe(true);
  expect(await store.indexer.check()).toEqual([]);
  await expectRightAnswers(store);
}

describe.each(kinds)('a damaged file with the ending %s', (kind) => {
  test.each(damages)('is detected when the store is opened: %s', async (_, damage) => {
    await store.indexer.close();
    await damage(await fileOf(kind));
    await reopen();
    expect(store.indexer.hasIndex).toBe(false);
    await expectDetected();
  });

  test('is detected by a check while the store is open, and repaired', async () => {
    await flip(await fileOf(kind));
    expect(await store.indexer.check()).toEqual([expect.stringContaining('different content')]);
    await expectRepaired();
  });
});

describe('the folder of an index', () => {
  test('is built again when the store is opened, if the folder was removed', async () => {
    await store.indexer.close();
    await rm(folder, { recursive: true });
    await reopen();
    await store.indexer.settled();
    expect(store.indexer.hasIndex).toBe(true);
    await expectRightAnswers(store);
  });

  test('is repaired after a check, if the folder was removed while the store is open', async () => {
    await rm(folder, { recursive: true });
    expect(await store.indexer.check()).not.toEqual([]);
    await expectRepaired();
  });

  test('is repaired after a check, if its manifest is damaged', async () => {
    await halve(join(folder, 'manifest.json'));
    expect(await store.indexer.check()).toEqual([expect.stringContaining('manifest')]);
    await expectRepaired();
  });

  test('is built again if it contains an unknown file', async () => {
    const manifest = await manifestIn(folder);
    await writeFile(join(folder, manifest?.generation ?? '', 'unknown'), '');
    await reopen();
    await expectRepaired();
  });

  test('keeps its index, and removes what a process left behind when it died during a build', async () => {
    const manifest = await manifestIn(folder);
    const [left, begun] = ['generation-left', 'generation-begun'];
    await cp(join(folder, manifest?.generation ?? ''), join(folder, left), { recursive: true });
    await rm(await fileOf('auxiliary.idx').then((path) => path.replace(manifest?.generation ?? '', left)));
    await mkdir(join(folder, begun));
    await writeFile(join(folder, 'manifest.json.new'), '{"manifest":');
    await reopen();
    expect(store.indexer.hasIndex).toBe(true);
    expect(store.degraded).toEqual([]);
    expect(await entriesIn(folder)).toEqual([manifest?.generation, 'manifest.json'].sort());
    await expectRightAnswers(store);
  });
});

describe('an index whose answers contradict the stored vectors', () => {
  const [vector] = otherVectors(1) as [Float32Array];
  const search = (query: Float32Array) => store.indexer.search(query, visibleRows(source.rows()), 10);
  // A change that the indexer does not know of has the effect of wrong bytes in the index.
  const change = (row: number, to: Float32Array) => {
    const [before] = [...source.read([row])];
    source.set(row, to);
    return before?.vector ?? to;
  };

  test('is dropped by the search that detects this, and the search uses the stored vectors', async () => {
    const before = change(5, vector);
    const found = await search(before);
    expect(found[0]?.row).not.toBe(5);
    expect(store.indexer.hasIndex).toBe(false);
    await expectRepaired();
  });

  test('is not repaired again and again if a repair does not help', async () => {
    await search(change(5, vector));
    await store.indexer.settled();
    await search(change(6, vector));
    await expectRightAnswers(store);
    expect(store.degraded).toHaveLength(2);
    expect(store.indexer.hasIndex).toBe(false);
    expect(store.indexed).toHaveLength(2);
  });
});
