import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { vectorKey } from '../../src/state/tables/vector-table';
import { openFolder, temporaryFolder } from './stores';

const namespace = ['clinic'];

/** Letters that nothing else contains, the same in every run. */
const word = (name: string) =>
  [...createHash('sha256').update(name).digest().subarray(0, 14)]
    .map((byte) => String.fromCharCode(97 + (byte % 26)))
    .join('');

/** Every byte of every file in a folder. */
function bytesOf(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

/** How many of these parts of vectors are in a folder. */
function found(folder: string, probes: readonly Buffer[]): number {
  const bytes = bytesOf(folder);
  return probes.filter((probe) => bytes.includes(probe)).length;
}

/** How many of these words are in a folder, in UTF-8 or in UTF-16. */
function foundWords(folder: string, words: readonly string[]): number {
  const probes = new Set(words);
  const length = words[0]?.length ?? 0;
  const text = bytesOf(folder).toString('latin1');
  const seen = new Set<string>();
  for (const form of [text, text.replaceAll('\0', '')])
    for (const [run] of form.matchAll(/[a-z]{14,}/g))
      for (let at = 0; at + length <= run.length; at++)
        if (probes.has(run.slice(at, at + length))) seen.add(run.slice(at, at + length));
  return seen.size;
}

test('a purge and a snapshot leave no byte of a forgotten text, also where SQLite has left a copy in another page', async () => {
  const folder = await temporaryFolder();
  const store = await openFolder(folder);
  const count = 2_000;
  const filler = (i: number, most: number) =>
    'filler '.repeat(createHash('sha256').update(`${i}`).digest().readUInt16BE() % most);
  const items = Array.from({ length: count }, (_, i) => ({
    text: `${word(`text ${i}`)} ${filler(i, 80)}`,
    metadata: { note: word(`note ${i}`) },
    key: word(`key ${i}`),
    namespace,
    embed: false as const,
  }));
  const { results } = await store.admin.rememberMany(items);
  const ids = results.flatMap((each) => (each.ok ? [each.id] : []));
  for (let i = 0; i < count; i += 7)
    await store.admin.update(ids[i] as string, { text: `${word(`again ${i}`)} ${filler(i, 200)}` });
  const gone = ids.map((_, i) => i).filter((i) => i % 5 < 2);
  await Promise.all(gone.map((i) => store.admin.forget(ids[i] as string)));
  const probes = gone.flatMap((i) => ['text', 'note', 'key', 'again'].map((part) => word(`${part} ${i}`)));
  await store.close();
  // Its log is gone, and these copies would stay for ever. If SQLite changes, the test may need other texts.
  const left = foundWords(folder, probes);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(probes.length / 50);
  const again = await openFolder(folder);
  const snapshots = await temporaryFolder();
  await again.snapshot(snapshots);
  expect([foundWords(snapshots, probes), foundWords(snapshots, [word('text 3')])]).toEqual([0, 1]);
  await again.purge();
  expect([foundWords(folder, probes), foundWords(folder, [word('text 3')])]).toEqual([0, 1]);
});

test('a purge leaves no vector of a forgotten memory in the index, whether the store still needs one or not', async () => {
  const folder = await temporaryFolder();
  const store = await openFolder(folder, { exactUpTo: 100 });
  const items = Array.from({ length: 300 }, (_, i) => ({ text: `${word(`a ${i}`)} and ${word(`b ${i}`)}`, namespace }));
  const { results } = await store.admin.rememberMany(items);
  const ids = results.flatMap((each) => (each.ok ? [each.id] : []));
  await store.settled();
  const vectors = vectorsOf(folder, ids.slice(0, 40));
  await Promise.all(ids.slice(0, 20).map((id) => store.admin.forget(id)));
  expect(found(folder, vectors.slice(0, 20))).toBe(20);
  expect((await store.purge()).pending).toEqual([]);
  expect([found(folder, vectors.slice(0, 20)), found(folder, vectors)]).toEqual([0, 20]);
  const hits = await store.admin.recall(items[50]?.text as string, { mode: 'semantic', topK: 1 });
  expect(hits[0]?.id).toBe(ids[50]);
  await store.close();
  // This one needs no index, and would never open the old one.
  const small = await openFolder(folder);
  await Promise.all(ids.slice(20, 40).map((id) => small.admin.forget(id)));
  expect(found(folder, vectors)).toBe(20);
  await small.purge();
  expect(found(folder, vectors)).toBe(0);
  expect((await small.verify()).problems).toEqual([]);
});

/** A part of the vector of each memory, as the database has it. */
function vectorsOf(folder: string, ids: readonly string[]): Buffer[] {
  const database = new BetterSqlite(join(folder, 'memory.db'), { readonly: true });
  try {
    const rowOf = database.prepare('select row from memories where id = ?').pluck();
    const vectorOf = database.prepare('select vector from vectors where key = ?').pluck();
    return ids.map((id) => (vectorOf.get(vectorKey(1, rowOf.get(id) as number, 0)) as Buffer).subarray(16, 48));
  } finally {
    database.close();
  }
}
