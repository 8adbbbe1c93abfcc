import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseIn, filesBelow, temporaryFolder } from './folders';
import { Random } from './random';

const clock = { now: () => Date.UTC(2026, 0, 1) };
const few: OpenOptions = { clock, exactUpTo: 30 };
const namespace = ['parcels'];
// Words with different meanings, so that exact and approximate search find the same nearest texts.
const words = (
  'invoice parcel volcano violin surgery election penguin recipe glacier wedding engine poem ladder thunder cheese prison ' +
  'rocket carpet dentist harvest piano tax shark candle desert goalkeeper bakery ocean lawyer kettle forest museum'
).split(' ');

function texts(seed: number, count: number): { text: string; namespace: string[] }[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => ({
    text: `Note ${seed} ${i}: ${random.sample(words, 3).join(' ')}.`,
    namespace,
  }));
}

const indexIn = (folder: string) => join(folder, 'index');

/** The nearest memory of some questions, with its score. Only the nearest one, because an index may miss a less near one. */
async function answers(store: MemoryStore): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const { text: question } of texts(1, 120).filter((_, i) => i % 10 === 0)) {
    for (const mode of ['semantic', 'hybrid'] as const) {
      found.push((await store.admin.recall(question, { mode, topK: 1 })).map(({ id, score }) => [id, score]));
    }
  }
  return found;
}

async function answersOf(folder: string, options: OpenOptions): Promise<unknown[]> {
  await using store = await MemoryStore.open(folder, options);
  await store.settled();
  return await answers(store);
}

let template: string;
let expected: unknown[];
let files: string[];

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'faults-'));
  const store = await MemoryStore.open(template, few);
  await store.admin.rememberMany(texts(1, 120));
  await store.settled();
  await store.close();
  files = filesBelow(indexIn(template));
  expected = await answersOf(template, { clock });
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

/** Copies a closed store with its index. */
function copied(): string {
  const folder = temporaryFolder();
  cpSync(template, folder, { recursive: true });
  return folder;
}

const kindOf = (file: string) =>
  file.endsWith('manifest.json') ? 'index-manifest' : (/\.(manifest|lance|idx|txn)$/.exec(file)?.[1] ?? 'other');

const damages: Record<string, (path: string) => void> = {
  deleted: (path) => rmSync(path),
  'cut off': (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  'flipped in a bit': (path) => {
    const bytes = readFileSync(path);
    const place = Math.floor(bytes.length * 0.6);
    bytes[place] = (bytes[place] as number) ^ 0x10;
    writeFileSync(path, bytes);
  },
  'filled with something else': (path) =>
    writeFileSync(path, 'nonsense '.repeat(Math.ceil(readFileSync(path).length / 9))),
};

/** Removes a folder, except for what is written there at the same moment. */
function removeWhileWritten(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

/** Expects a sound store with the expected answers, whose damaged file was replaced. */
async function expectRepaired(store: MemoryStore, folder: string, file = ''): Promise<void> {
  await store.settled();
  expect(await store.verify(), file).toEqual({ ok: true, problems: [] });
  expect(await answers(store), file).toEqual(expected);
  await store.close();
  expect(existsSync(join(indexIn(folder), 'manifest.json'))).toBe(true);
  expect(filesBelow(indexIn(folder)).filter((each) => each === file && kindOf(each) !== 'index-manifest')).toEqual([]);
}

async function expectRepairedForGood(store: MemoryStore, folder: string): Promise<void> {
  await expectRepaired(store, folder);
  await expectRepaired(await MemoryStore.open(folder, few), folder);
}

test('a large store has an index on disk, and returns the same results with and without it', async () => {
  expect(new Set(files.map(kindOf))).toContain('index-manifest');
  expect(files.length).toBeGreaterThan(3);
  expect(await answersOf(copied(), few)).toEqual(expected);
});

describe.each([...Object.keys(damages).entries()])('a file of the index, with damage %i: %s', (number, damage) => {
  /** Each kind of file meets each damage once, while the store is closed or open, because all of both take a minute and a half. */
  const filesWhile = (state: 'closed' | 'open') => {
    const oneOfEachKind = [...new Map(files.map((file) => [kindOf(file), file])).values()];
    return oneOfEachKind.filter((_, i) => ((i + number) % 2 === 0) === (state === 'closed'));
  };

  test('while the store is closed is detected by the next open, verify() or search, and rebuilt', async () => {
    for (const file of filesWhile('closed')) {
      const folder = copied();
      damages[damage]?.(join(indexIn(folder), file));
      const store = await MemoryStore.open(folder, few);
      expect(await answers(store), file).toEqual(expected);
      expect((await store.verify({ repair: true })).ok, file).toBe(true);
      await expectRepaired(store, folder, file);
    }
  });

  test('while the store is open is detected by verify() or a search, and rebuilt', async () => {
    for (const file of filesWhile('open')) {
      const folder = copied();
      const store = await MemoryStore.open(folder, few);
      await store.settled();
      expect(await answers(store)).toEqual(expected);
      let degraded = 0;
      store.on('degraded', ({ part }) => void (part === 'index' && degraded++));
      damages[damage]?.(join(indexIn(folder), file));
      expect(await answers(store), file).toEqual(expected);
      const { ok, problems } = await store.verify({ repair: true });
      expect(ok, file).toBe(true);
      expect(degraded > 0 || problems.some(({ part }) => part === 'index'), `${file}: nothing was detected`).toBe(true);
      await expectRepaired(store, folder, file);
    }
  });
});

describe('the folder of the index', () => {
  test('is rebuilt if it was deleted while the store is closed', async () => {
    const folder = copied();
    rmSync(indexIn(folder), { recursive: true });
    const store = await MemoryStore.open(folder, few);
    expect(await answers(store)).toEqual(expected);
    await expectRepairedForGood(store, folder);
  });

  test('is rebuilt if it was deleted while the store is open', async () => {
    const folder = copied();
    const store = await MemoryStore.open(folder, few);
    await store.settled();
    rmSync(indexIn(folder), { recursive: true });
    expect(await answers(store)).toEqual(expected);
    expect((await store.verify({ repair: true })).ok).toBe(true);
    await expectRepairedForGood(store, folder);
  });

  test('may be deleted during a build without any change in the results', async () => {
    const folder = copied();
    rmSync(indexIn(folder), { recursive: true });
    const store = await MemoryStore.open(folder, few);
    const more = store.admin.rememberMany(texts(2, 120));
    for (let i = 0; i < 10; i++) {
      removeWhileWritten(indexIn(folder));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await more;
    const { id } = await store.admin.remember('A single umbrella.', { namespace });
    expect((await store.admin.recall('umbrella', { mode: 'semantic', topK: 1 }))[0]?.id).toBe(id);
    await store.verify({ repair: true });
    await store.settled();
    const found = await answers(store);
    await store.close();
    expect(found).toEqual(await answersOf(folder, { clock }));
  });

  test('may be replaced by a file or contain an unknown file without any change in the results', async () => {
    const folder = copied();
    rmSync(indexIn(folder), { recursive: true });
    writeFileSync(indexIn(folder), 'a file');
    const store = await MemoryStore.open(folder, few);
    expect(await answers(store)).toEqual(expected);
    await store.settled();
    expect(await answers(store)).toEqual(expected);
    await store.close();
    const other = copied();
    writeFileSync(join(indexIn(other), 'stray'), 'a file');
    expect(await answersOf(other, few)).toEqual(expected);
  });

  test('is not used if it comes from another store', async () => {
    const other = temporaryFolder();
    const store = await MemoryStore.open(other, few);
    await store.admin.rememberMany(texts(7, 120));
    await store.settled();
    await store.close();
    const folder = copied();
    rmSync(indexIn(folder), { recursive: true });
    cpSync(indexIn(other), indexIn(folder), { recursive: true });
    expect(await answersOf(folder, few)).toEqual(expected);
  });

  test('is used if it is older than the database, and searches include every later change', async () => {
    const folder = copied();
    const store = await MemoryStore.open(folder, { clock });
    await store.admin.rememberMany(texts(3, 60));
    const { items } = await store.admin.list({ limit: 50, order: 'oldest' });
    for (const { id } of items.slice(0, 20)) await store.admin.forget(id);
    for (const { id } of items.slice(20, 40)) await store.admin.update(id, { text: `Changed: ${words[0]} ${id}.` });
    await store.close();
    rmSync(indexIn(folder), { recursive: true, force: true });
    cpSync(indexIn(template), indexIn(folder), { recursive: true });
    expect(await answersOf(folder, few)).toEqual(await answersOf(folder, { clock }));
  });

  test('is not used if it contains a change that the restored database lacks, even if the numbers of changes are equal', async () => {
    const folder = copied();
    rmSync(indexIn(folder), { recursive: true });
    const longer = await MemoryStore.open(folder, few);
    await longer.admin.remember('The garden is closed.', { namespace });
    await longer.settled();
    await longer.close();
    cpSync(databaseIn(template), databaseIn(folder));
    const restored = await MemoryStore.open(folder, { clock });
    const { id } = await restored.admin.remember('An umbrella.', { namespace });
    await restored.close();
    await using store = await MemoryStore.open(folder, few);
    await store.settled();
    expect((await store.admin.recall('umbrella', { mode: 'semantic', topK: 1 }))[0]?.id).toBe(id);
  });
});
