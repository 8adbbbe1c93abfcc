import { readFileSync, writeFileSync } from 'node:fs';
import { type ErrorCode, type Memory, MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { alterDatabase, databaseIn, temporaryFolder } from './folders';

// Leaves time for a machine that is busy with other work.
const victim = 'The courier left the parcel of customer 4417 with a neighbour.';
const before = 'The courier lost the parcel of customer 4417.';
const others = [
  'Customer 0921 pays by invoice.',
  'The warehouse in Lyon is closed in August.',
  'Refunds take five days.',
];
const modes = ['keyword', 'semantic', 'hybrid'] as const;

/** A closed store with some memories, one of which has been revised. */
async function stored(): Promise<{ folder: string; id: string; intact: Memory[] }> {
  const folder = temporaryFolder();
  await using store = await MemoryStore.open(folder);
  const options = {
    namespace: ['support'],
    key: 'parcel',
    userId: 'customer-4417',
    tags: ['courier'],
    metadata: { order: 'A-1182' },
  };
  const { id } = await store.admin.remember(before, options);
  await store.admin.update(id, { text: victim });
  for (const text of others) await store.admin.remember(text, { namespace: ['support', 'other'] });
  await store.admin.remember('Of finance.', { namespace: ['finance'] });
  const { items } = await store.admin.list({ filter: { id: { ne: id } } });
  return { folder, id, intact: items };
}

function rejectsWith(code: ErrorCode) {
  return expect.toSatisfy((error) => MemoryError.is(error) && error.code === code);
}

async function attempt<T>(run: () => PromiseLike<T>): Promise<T | ErrorCode> {
  try {
    return await run();
  } catch (error) {
    if (MemoryError.is(error)) return error.code;
    throw error;
  }
}

const labels = /namespace|owner|author/;
const alterations: [part: string, sql: string][] = [
  ['text', `update texts set text = replace(text, 'neighbour', 'customers') where row = 1`],
  ['text, which is gone', `delete from texts where row = 1`],
  ['text, which is another type', `update texts set text = cast(text as blob) where row = 1`],
  ['text, which is a number', `update texts set text = 5 where row = 1`],
  ['namespace', `update memories set label_set = (select max(label_set) from memories) where row = 1`],
  ['namespace, which is none', `update memories set label_set = 999 where row = 1`],
  ['owner', `update memories set owner = author where row = 1`],
  ['author, who is nobody', `update memories set author = 999 where row = 1`],
  ['user', `update memories set user_id = 'customer-0921' where row = 1`],
  ['tags', `update memories set tags = '["refund"]' where row = 1`],
  ['tags, which are no JSON', `update memories set tags = '["cour' where row = 1`],
  ['metadata', `update memories set metadata = '{"order":"A-1183"}' where row = 1`],
  ['metadata, which is no JSON', `update memories set metadata = '{"order' where row = 1`],
  ['priority', `update memories set priority = 1 where row = 1`],
  ['time', `update memories set valid_from = valid_from - 1 where row = 1`],
  ['revision', `update memories set revision = 1 where row = 1`],
  ['number of chunks', `update memories set chunks = 2 where row = 1`],
  ['length', `update memories set length = 1 where row = 1`],
];

describe.each(alterations)('a record whose %s was altered in the database', (part, sql) => {
  async function damaged() {
    const { folder, id, intact } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    return { folder, id, intact, store: await MemoryStore.open(folder) };
  }

  test('is never returned', async () => {
    const { store, id } = await damaged();
    const { admin } = store;
    await expect(admin.get(id)).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    await expect(admin.history(id)).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    const found = [
      await attempt(() => admin.get({ namespace: ['support'], key: 'parcel' })),
      await attempt(() => admin.list()),
      await attempt(() => admin.list({ userId: 'customer-0921' })),
      await attempt(() => admin.list({ tags: ['courier'] })),
      await attempt(() => admin.list({ namespace: ['finance'] })),
    ];
    for (const mode of modes)
      found.push(await attempt(() => admin.recall(victim, { mode }).then((items) => ({ items }))));
    for (const each of found) {
      if (each === undefined || each === 'RECORD_DAMAGED') continue;
      expect(each).not.toMatchObject({ id });
      expect(each).not.toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ id })]) });
    }
    await store.close();
  });

  test('is listed by verify(), which cannot repair it and does not change other records', async () => {
    const { store, id, intact } = await damaged();
    for (const repair of [false, true]) {
      const { ok, problems } = await store.verify({ repair });
      expect(ok).toBe(false);
      expect(problems).toContainEqual(expect.objectContaining({ id, part: 'record' }));
      expect(problems.filter((problem) => problem.id !== undefined && problem.id !== id)).toEqual([]);
    }
    for (const memory of intact) expect(await store.admin.get(memory.id)).toEqual(memory);
    expect(await store.admin.recall('warehouse Lyon', { mode: 'keyword' })).toMatchObject([{ text: others[1] }]);
    await store.close();
  });

  // With other labels a selection may no longer include it, but its id still finds it.
  const ways = labels.test(part) ? (['forget'] as const) : (['forget', 'forgetWhere'] as const);
  test.each(ways)('can be forgotten with %s, after which verify() finds nothing', async (way) => {
    const { folder, store, id, intact } = await damaged();
    if (way === 'forget') expect(await store.admin.forget(id)).toBe(true);
    else
      expect(await store.admin.forgetWhere({ filter: { id } }, { dryRun: false })).toMatchObject({
        forgotten: 1,
        ids: [id],
      });
    await store.close();
    for (const opened of [await MemoryStore.open(folder), await MemoryStore.open(folder)]) {
      expect(await opened.admin.get(id)).toBeUndefined();
      expect((await opened.admin.list()).items).toEqual(intact);
      for (const mode of modes) {
        const hits = await opened.admin.recall('courier parcel warehouse', { mode });
        expect(hits.map((hit) => hit.id)).not.toContain(id);
        expect(hits.map((hit) => hit.text)).toContain(others[1]);
      }
      expect(await opened.verify()).toEqual({ ok: true, problems: [] });
      expect((await opened.admin.remember(victim, { namespace: ['support'], key: 'parcel' })).outcome).toMatch(
        /stored|revised/,
      );
      await opened.admin.forgetWhere({ filter: { key: 'parcel' } }, { dryRun: false });
      await opened.close();
    }
  });
});

describe('a text whose bytes were altered in the database file', () => {
  test('is not returned', async () => {
    const { folder, id } = await stored();
    const bytes = readFileSync(databaseIn(folder));
    let place = bytes.indexOf('neighbour');
    expect(place).toBeGreaterThan(0);
    for (; place >= 0; place = bytes.indexOf('neighbour', place + 1)) bytes[place] = (bytes[place] as number) ^ 1;
    writeFileSync(databaseIn(folder), bytes);
    await using store = await MemoryStore.open(folder);
    await expect(store.admin.get(id)).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    await expect(store.admin.recall('parcel', { mode: 'keyword' })).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    expect((await store.verify()).problems).toContainEqual(expect.objectContaining({ id, part: 'record' }));
  });
});

describe.each([
  ['its text', `'lost', 'sold'`],
  ['the name of a field', `'"valid_to":', '"walid_to":'`],
])('an earlier revision that was altered in %s', (_, replacement) => {
  test('is left out of history and listed by verify(), while the memory itself is returned', async () => {
    const { folder, id } = await stored();
    alterDatabase(folder, (database) => database.exec(`update revisions set record = replace(record, ${replacement})`));
    await using store = await MemoryStore.open(folder);
    await expect(store.admin.history(id)).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    expect(await store.admin.get(id)).toMatchObject({ text: victim });
    expect((await store.verify()).problems).toContainEqual(expect.objectContaining({ id, part: 'record' }));
  });
});

describe('a change whose author was altered', () => {
  test('is left out of history, and verify() lists its memory', async () => {
    const { folder, id } = await stored();
    alterDatabase(folder, (database) => database.exec('update changes set by = 999 where row = 1'));
    await using store = await MemoryStore.open(folder);
    await expect(store.admin.history(id)).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    expect((await store.verify()).problems).toContainEqual(expect.objectContaining({ id, part: 'record' }));
  });
});

describe('an altered tombstone of a forgotten memory', () => {
  test('is listed by verify(), and does not bring the memory back', async () => {
    const { folder, id } = await stored();
    const store = await MemoryStore.open(folder);
    await store.admin.forget(id);
    await store.close();
    alterDatabase(folder, (database) => database.exec(`update memories set state = 'active' where row = 1`));
    await using opened = await MemoryStore.open(folder);
    await expect(opened.admin.get(id)).rejects.toEqual(rejectsWith('RECORD_DAMAGED'));
    expect((await opened.verify()).problems).toContainEqual(expect.objectContaining({ id, part: 'record' }));
  });
});

describe.each([
  ['altered', `update vectors set vector = zeroblob(length(vector)) where key = (select min(key) from vectors)`],
  ['cut short', `update vectors set vector = substr(vector, 1, 100) where key = (select min(key) from vectors)`],
  ['lost', `delete from vectors where key = (select min(key) from vectors)`],
  ['doubled', `insert into vectors select key + 1, vector, checksum from vectors order by key limit 1`],
])('a memory whose vector was %s', (_, sql) => {
  test('is listed by verify(), is never found by meaning, and can be repaired by forget or update', async () => {
    const { folder, id } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    const store = await MemoryStore.open(folder);
    const { ok, problems } = await store.verify({ repair: true });
    expect(ok).toBe(false);
    expect(problems).toEqual([expect.objectContaining({ id, part: 'vector' })]);
    expect(await store.admin.get(id)).toMatchObject({ text: victim });
    expect(await store.admin.recall('warehouse', { mode: 'keyword' })).toMatchObject([{ text: others[1] }]);
    const hits = await attempt(() => store.admin.recall(victim, { mode: 'semantic' }));
    expect(hits === 'RECORD_DAMAGED' || (Array.isArray(hits) && hits.every((hit) => hit.id !== id))).toBe(true);
    await store.admin.update(id, { text: before });
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    expect((await store.admin.recall(before, { mode: 'semantic' }))[0]).toMatchObject({ id });
    await store.close();
  });

  test('leaves nothing behind when it is forgotten', async () => {
    const { folder, id } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    await using store = await MemoryStore.open(folder);
    expect(await store.admin.forget(id)).toBe(true);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    expect((await store.admin.recall(victim, { mode: 'semantic' })).map((hit) => hit.id)).not.toContain(id);
  });
});
