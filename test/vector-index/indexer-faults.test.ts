import { cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type VectorTruthFixture, visibleRows } from '../../src/testing/vector-truth';
import {
  entriesIn,
  expectRightAnswers,
  filledTruth,
  type IndexedStore,
  newFolder,
  openStore,
  otherVectors,
  readyStore,
  sealIn,
} from './indexed-store';

let sound: string;
let folder: string;
let source: VectorTruthFixture;
let store: IndexedStore;

beforeAll(async () => {
  sound = await newFolder();
  const { indexer } = await readyStore(sound, filledTruth());
  await indexer.close();
});
afterAll(() => rm(sound, { recursive: true }));

beforeEach(async () => {
  folder = await newFolder();
  await cp(sound, folder, { recursive: true });
  source = filledTruth();
  store = openStore(folder, source);
  await store.indexer.start();
  expect(store.indexer.ready).toBe(true);
});
afterEach(async () => {
  await store.indexer.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Every kind of file that LanceDB makes, by its end. */
const kinds = ['.lance', 'index.idx', 'auxiliary.idx', '.manifest', '.txn', 'latest_version_hint.json'];

async function fileOf(kind: string): Promise<string> {
  const seal = await sealIn(folder);
  const file = seal?.files.find(({ path }) => path.endsWith(kind));
  expect(file, `no file ends in ${kind}`).toBeDefined();
  return join(folder, seal?.generation ?? '', file?.path ?? '');
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
  ['half of it gone', halve],
  ['all of it gone', (path) => rm(path)],
];

async function reopen(): Promise<void> {
  await store.indexer.close();
  store = openStore(folder, source);
  await store.indexer.start();
}

async function expectNoticed(): Promise<void> {
  expect(store.degraded.map(({ message }) => message)).toEqual([expect.stringContaining('damaged')]);
  await expectRightAnswers(store);
}

async function expectRepaired(): Promise<void> {
  await expectNoticed();
  await store.indexer.settled();
  expect(store.indexer.ready).toBe(true);
  expect(await store.indexer.check()).toEqual([]);
  await expectRightAnswers(store);
}

describe.each(kinds)('a damaged file that ends in %s', (kind) => {
  test.each(damages)('is noticed when the store is opened: %s', async (_, damage) => {
    await store.indexer.close();
    await damage(await fileOf(kind));
    await reopen();
    expect(store.indexer.ready).toBe(false);
    await expectNoticed();
  });

  test('is noticed by a check while the store is open, and repaired', async () => {
    await flip(await fileOf(kind));
    expect(await store.indexer.check()).toEqual([expect.stringContaining('other content')]);
    await expectRepaired();
  });
});

describe('a folder', () => {
  test('that was deleted is built again when the store is opened', async () => {
    await store.indexer.close();
    await rm(folder, { recursive: true });
    await reopen();
    await store.indexer.settled();
    expect(store.indexer.ready).toBe(true);
    await expectRightAnswers(store);
  });

  test('that is deleted while the store is open is noticed by a check', async () => {
    await rm(folder, { recursive: true });
    expect(await store.indexer.check()).not.toEqual([]);
    await expectRepaired();
  });

  test('whose seal is damaged is built again', async () => {
    await halve(join(folder, 'seal.json'));
    expect(await store.indexer.check()).toEqual([expect.stringContaining('seal')]);
    await expectRepaired();
  });

  test('with a file that does not belong there is built again', async () => {
    const seal = await sealIn(folder);
    await writeFile(join(folder, seal?.generation ?? '', 'foreign'), '');
    await reopen();
    await expectRepaired();
  });

  test('keeps its index, and nothing else, when a process died in the middle of a build', async () => {
    const seal = await sealIn(folder);
    await cp(join(folder, seal?.generation ?? ''), join(folder, 'left'), { recursive: true });
    await rm(await fileOf('auxiliary.idx').then((path) => path.replace(seal?.generation ?? '', 'left')));
    await mkdir(join(folder, 'begun'));
    await writeFile(join(folder, 'seal.json.new'), '{"seal":');
    await reopen();
    expect(store.indexer.ready).toBe(true);
    expect(store.degraded).toEqual([]);
    expect(await entriesIn(folder)).toEqual([seal?.generation, 'seal.json'].sort());
    await expectRightAnswers(store);
  });
});

describe('an index whose answers contradict the truth', () => {
  const [vector] = otherVectors(1) as [Float32Array];
  const search = (query: Float32Array) => store.indexer.search(query, visibleRows(source.rows()), 10);
  // A change that nobody told the indexer of is what wrong bytes in the index look like.
  const change = (row: number, to: Float32Array) => {
    const [before] = [...source.read([row])];
    source.set(row, to);
    return before?.vector ?? to;
  };

  test('is given up by the search that notices, which answers from the truth', async () => {
    const before = change(5, vector);
    const found = await search(before);
    expect(found[0]?.row).not.toBe(5);
    expect(store.indexer.ready).toBe(false);
    await expectRepaired();
  });

  test('is not repaired again and again where that does not help', async () => {
    await search(change(5, vector));
    await store.indexer.settled();
    await search(change(6, vector));
    await expectRightAnswers(store);
    expect(store.degraded).toHaveLength(2);
    expect(store.indexer.ready).toBe(false);
    expect(store.indexed).toHaveLength(2);
  });
});
