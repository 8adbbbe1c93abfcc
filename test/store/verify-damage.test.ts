import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { allow, MemoryStore } from 'multi-agent-memory';
import { describe, expect, onTestFinished, test } from 'vitest';

const memories = 300;
const tagged = 5;

async function stored(): Promise<{ folder: string; ids: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await using store = await MemoryStore.open(folder);
  const namespace = ['support'];
  const items = Array.from({ length: memories }, (_, i) => ({
    text: `Customer ${i} called about ${'the parcel that never came '.repeat(5)}.`,
    namespace,
    ...(i < tagged ? { tags: ['urgent'] } : {}),
  }));
  const { results } = await store.admin.rememberMany(items);
  const ids = results.map((result) => (result.ok ? result.id : ''));
  await store.admin.update(ids[0] as string, { text: 'Customer 0 has the parcel.' });
  return { folder, ids };
}

function alterDatabase<T>(folder: string, run: (database: Database) => T): T {
  const database = new BetterSqlite(join(folder, 'memory.db'));
  database.unsafeMode();
  try {
    return run(database);
  } finally {
    database.close();
  }
}

/** Takes one memory out of an index, by making the index anew as if that memory did not belong there. */
function takeOutOfIndex(folder: string, index: string, row: number): void {
  const define = (sql: string) =>
    alterDatabase(folder, (database) => {
      database.pragma('writable_schema = on');
      database.prepare('update sqlite_schema set sql = ? where name = ?').run(sql, index);
    });
  const sql = alterDatabase(folder, (database) =>
    database.prepare('select sql from sqlite_schema where name = ?').pluck().get(index),
  ) as string;
  define(`${sql} where row <> ${row}`);
  alterDatabase(folder, (database) => database.exec(`reindex ${index}`));
  define(sql);
}

/** Overwrites the first leaf of a table. */
function spoilPage(folder: string, table: string): void {
  const { pageno, pgsize } = alterDatabase(
    folder,
    (database) =>
      database
        .prepare("select pageno, pgsize from dbstat where name = ? and pagetype = 'leaf' order by path limit 1")
        .get(table) as { pageno: number; pgsize: number },
  );
  const file = openSync(join(folder, 'memory.db'), 'r+');
  writeSync(file, Buffer.alloc(pgsize, 0xff), 0, pgsize, (pageno - 1) * pgsize);
  closeSync(file);
}

test('verify finds damaged lines of what trust depends on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const store = await MemoryStore.open(folder, { access: [allow('everyone', 'curator', [])] });
  const [ann, bob] = ['ann', 'bob'].map((agentId) => store.as({ agentId }, { namespace: ['support'] }));
  const source = await ann?.remember('The parcel came.');
  const { id = '' } = (await ann?.remember('It came.', { derivedFrom: [source?.id ?? ''] })) ?? {};
  await bob?.update(id, { priority: 1 });
  await bob?.endorse(id, { as: 'standard' });
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
  await store.close();
  const tables = ['derivations', 'contributors', 'endorsements'];
  for (const table of tables)
    alterDatabase(folder, (database) => database.exec(`update ${table} set checksum = checksum + 1`));
  await using damaged = await MemoryStore.open(folder);
  const { ok, problems } = await damaged.verify();
  const problem = { id, part: 'record', message: expect.stringContaining('row 2, which says') };
  expect([ok, problems]).toEqual([false, tables.map(() => problem)]);
});

describe('verify of derived data', () => {
  test('finds a memory that is missing in an index, and repair adds the memory', async () => {
    const { folder, ids } = await stored();
    takeOutOfIndex(folder, 'memories_id', 7);
    await using store = await MemoryStore.open(folder);
    const id = ids[6] as string;
    expect(await store.admin.get(id)).toBeUndefined();
    expect((await store.verify()).problems).toContainEqual(expect.objectContaining({ part: 'database' }));
    expect((await store.verify({ repair: true })).ok).toBe(true);
    expect(await store.admin.get(id)).toMatchObject({ id });
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test.each([
    ['lacks a line', 'delete from tags where row = 2'],
    ['has a line too many', `insert into tags values ('urgent', 200)`],
    ['has a line of no memory', `insert into tags values ('urgent', 5000)`],
    ['has another tag', `update tags set tag = 'urgenT' where row = 3`],
  ])('finds that the index of tags %s, and repair corrects the index', async (_, sql) => {
    const { folder } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    await using store = await MemoryStore.open(folder);
    const { ok, problems } = await store.verify();
    expect({ ok, parts: problems.map(({ part }) => part) }).toEqual({ ok: false, parts: ['database'] });
    expect((await store.verify({ repair: true })).ok).toBe(true);
    expect(await store.admin.count({ tags: ['urgent'] })).toBe(tagged);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test.each([
    ['lacks a page', 'delete from word_pages where id = 1'],
    ['has a page twice', 'insert into word_pages select null, segment, first, row, page, checksum from word_pages'],
    ['has a page with another key', `update word_pages set first = x'00', row = 5`],
    ['has a page with another checksum', 'update word_pages set checksum = checksum + 1'],
    ['has a page that is empty', `update word_pages set page = x''`],
    ['has a page that is a text', `update word_pages set page = 'x'`],
  ])('finds that the keyword index %s, and repair corrects the index', async (_, sql) => {
    const { folder } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    await using store = await MemoryStore.open(folder);
    const { ok, problems } = await store.verify();
    expect(ok).toBe(false);
    expect(new Set(problems.map(({ part }) => part))).toEqual(new Set(['words']));
    expect((await store.verify({ repair: true })).ok).toBe(true);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test.each([
    ['lacks a segment', 'delete from word_segments'],
    ['has another range of rows', 'update word_segments set last = last - 1'],
    ['has another level', 'update word_segments set level = level + 1'],
    ['has a text in place of a number', `update word_segments set last = 'x'`],
  ])('finds in a read-only store that the list of segments %s, and the next open repairs it', async (_, sql) => {
    const { folder } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    const reader = await MemoryStore.open(folder, { readOnly: true });
    expect((await reader.verify()).problems).toContainEqual(expect.objectContaining({ part: 'words' }));
    await reader.close();
    await using store = await MemoryStore.open(folder);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('accepts words of the latest texts that are not indexed yet', async () => {
    const { folder } = await stored();
    await using store = await MemoryStore.open(folder);
    await store.admin.remember('A single umbrella.', { namespace: ['support'] });
    const copy = `${folder}-copy`;
    onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
    await store.backup(copy);
    await using copied = await MemoryStore.open(copy);
    await using reader = await MemoryStore.open(folder, { readOnly: true });
    for (const each of [store, copied, reader]) {
      expect(await each.verify()).toEqual({ ok: true, problems: [] });
      expect(await each.admin.recall('umbrella', { mode: 'keyword' })).toHaveLength(1);
    }
  });

  test('reports damage in a read-only store and repairs nothing', async () => {
    const { folder } = await stored();
    alterDatabase(folder, (database) =>
      database.exec(`delete from tags where row = 2; update word_pages set checksum = 0`),
    );
    await using store = await MemoryStore.open(folder, { readOnly: true });
    const { ok, problems } = await store.verify({ repair: true });
    expect(ok).toBe(false);
    expect(problems.map(({ part }) => part).sort()).toEqual(['database', 'words']);
  });
});

describe('verify of stored data', () => {
  test.each([
    ['time', 'update changes set at = at + 1 where change_seq = 9'],
    ['author', 'update changes set by = 9 where change_seq = 9'],
    ['type', `update changes set type = 'forgotten' where change_seq = 9`],
    ['memory', 'update changes set row = 10 where change_seq = 9'],
    ['presence', 'delete from changes where change_seq = 9'],
  ])('names the memory if the %s of a change to it was altered', async (_, sql) => {
    const { folder, ids } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    await using store = await MemoryStore.open(folder);
    const { ok, problems } = await store.verify({ repair: true });
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.objectContaining({ id: ids[8], part: 'record' }));
  });

  test('names a missing earlier revision', async () => {
    const { folder, ids } = await stored();
    alterDatabase(folder, (database) => database.exec('delete from revisions'));
    await using store = await MemoryStore.open(folder);
    expect((await store.verify()).problems).toEqual([
      { id: ids[0], part: 'record', message: 'Revision 1 is missing.' },
    ]);
  });

  test('reports a memory that is missing', async () => {
    const { folder } = await stored();
    alterDatabase(folder, (database) => database.exec('delete from memories where row = 20'));
    await using store = await MemoryStore.open(folder);
    expect((await store.verify({ repair: true })).ok).toBe(false);
  });
});

describe('verify of unreadable pages', () => {
  test('names the records on the page, and damaged records elsewhere', async () => {
    const { folder, ids } = await stored();
    alterDatabase(folder, (database) => database.exec(`update texts set text = 'Altered.' where row = ${memories}`));
    spoilPage(folder, 'texts');
    await using store = await MemoryStore.open(folder);
    const { ok, problems } = await store.verify({ repair: true });
    expect(ok).toBe(false);
    const named = problems.flatMap(({ id, part }) => (part === 'record' ? [id] : []));
    expect(named).toContain(ids[0]);
    expect(named).toContain(ids[memories - 1]);
    expect(named.length).toBeLessThan(memories / 2);
    expect(problems).toContainEqual(expect.objectContaining({ part: 'database' }));
  });
});

describe('verify during writes', () => {
  test('does not report these writes as damage', async () => {
    const { folder, ids } = await stored();
    await using store = await MemoryStore.open(folder);
    let isDone = false;
    const writing = (async () => {
      for (let i = 0; !isDone; i++) {
        await store.admin.remember(`Written meanwhile ${i}.`, { namespace: ['support'], tags: ['new'] });
        await store.admin.update(ids[i % 200] as string, { text: `Revised meanwhile ${i}.`, tags: [`tag ${i}`] });
        if (i < 100) await store.admin.forget(ids[200 + i] as string);
      }
    })();
    for (let i = 0; i < 5; i++) expect(await store.verify()).toEqual({ ok: true, problems: [] });
    isDone = true;
    await writing;
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('does not report words that the writer of a read-only store indexes meanwhile', async () => {
    const { folder } = await stored();
    await using store = await MemoryStore.open(folder);
    const remember = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          store.admin.remember(`A green umbrella ${i}.`, { namespace: ['support'], embed: false }),
        ),
      );
    await remember(100);
    await using reader = await MemoryStore.open(folder, { readOnly: true });
    for (let i = 0; i < 4; i++) {
      const verifying = reader.verify();
      await remember(128);
      expect(await verifying).toEqual({ ok: true, problems: [] });
    }
  });

  test('reports each phase until its total is reached', async () => {
    const { folder } = await stored();
    await using store = await MemoryStore.open(folder);
    const phases = new Map<string, { done: number; total?: number }>();
    await store.verify({ onProgress: (progress) => phases.set(progress.phase, progress) });
    expect([...phases.keys()]).toEqual(['records', 'database', 'index']);
    for (const { done, total } of phases.values()) expect(done).toBe(total);
    expect(phases.get('records')).toMatchObject({ total: memories });
  });

  test('rejects with the error that its progress listener throws', async () => {
    const { folder } = await stored();
    await using store = await MemoryStore.open(folder);
    const onProgress = () => {
      throw new Error('Enough.');
    };
    await expect(store.verify({ onProgress })).rejects.toThrow('Enough.');
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });
});

test('verify finds an altered rule, and open rejects the store', async () => {
  const { folder } = await stored();
  const store = await MemoryStore.open(folder);
  const { id } = await store.admin.access.deny({ agentId: 'trainee' }, ['read'], ['support']);
  alterDatabase(folder, (database) =>
    database
      .prepare("update declarations set declaration = replace(declaration, 'trainee', 'trainer') where id = ?")
      .run(id),
  );
  const { ok, problems } = await store.verify();
  expect(ok).toBe(false);
  expect(problems).toContainEqual({ part: 'rule', message: expect.stringContaining(id) });
  await store.close();
  await expect(MemoryStore.open(folder)).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
});
