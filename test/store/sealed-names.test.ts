import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { allow, MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadChecksum } from '../../src/state/tables/checksum';
import { resealNames } from '../../src/state/tables/name-rows';
import { alterDatabase } from '../faults/folders';
import { restoreUnsealedNames } from './earlier-schema';
import { codeOf, openFolder, refusal, temporaryFolder } from './stores';

const checksum = await loadChecksum();
const off = { embed: false } as const;
const access = [
  allow('everyone', 'writer', ['support']),
  // The names that a flipped bit makes of 'support' and 'agent-a'.
  allow('everyone', 'curator', ['supporu']),
  allow('everyone', 'writer', ['sales']),
];

interface Stored {
  readonly folder: string;
  /** A memory in ['support', 'eu'] by 'agent-a' on behalf of 'user-a', revised once. */
  readonly id: string;
  /** A memory in ['sales'] by the host. */
  readonly other: string;
}

let original: Stored;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-names-'));
  const store = await MemoryStore.open(folder, { access });
  const other = await store.admin.remember('Sales are closed.', { namespace: ['sales'], ...off });
  const author = store.as({ agentId: 'agent-a', onBehalfOf: { userId: 'user-a' } });
  const { id } = await author.remember('first', { namespace: ['support', 'eu'], ...off });
  await author.update(id, { priority: 1 });
  await store.close();
  original = { folder, id, other: other.id };
});

afterAll(() => rmSync(original.folder, { recursive: true, force: true }));

async function stored(): Promise<Stored> {
  const folder = await temporaryFolder();
  cpSync(original.folder, folder, { recursive: true });
  return { ...original, folder };
}

function ofEarlierRelease(folder: string): void {
  alterDatabase(folder, (database) => {
    restoreUnsealedNames(database);
    database.pragma(`user_version = ${lastWithoutSeals}`);
  });
}
const lastWithoutSeals = 14;

async function damagedMemories(store: MemoryStore): Promise<unknown[]> {
  const { problems } = await store.verify();
  return problems.flatMap(({ id, part }) => (part === 'record' ? [id] : []));
}

const flips: [what: string, sql: string][] = [
  ['a label', "update namespaces set label = 'supporu' where label = 'support'"],
  ['the access tags of a namespace', `update label_sets set access_tags = '["t"]' where id = 2`],
  ['the namespace of a label set', 'update label_sets set namespace = 2 where id = 2'],
  ['the parent of a namespace', 'update namespaces set parent = 1 where id = 3'],
  ['the id of an author', "update actors set name = 'agent-b' where name = 'agent-a'"],
  ['the kind of an author', "update actors set kind = 'user' where name = 'agent-a'"],
  ['the user whom an author represents', "update actors set on_behalf_of = '' where name = 'agent-a'"],
];
const sealFlips: [what: string, sql: string][] = [
  ['the alias of a namespace', "update namespaces set alias = alias + 1 where label = 'support'"],
  ['the alias of an author', "update actors set alias = alias + 1 where name = 'agent-a'"],
  ['the checksum of a label set', "update label_sets set checksum = 'x' where id = 2"],
  ['the checksum of an author, which is missing', "update actors set checksum = null where name = 'agent-a'"],
];

describe.each([...flips, ...sealFlips])('after damage to %s', (_, sql) => {
  test('the memories that refer to it are never returned, verify names both, and other memories stay readable', async () => {
    const { folder, id, other } = await stored();
    alterDatabase(folder, (database) => database.exec(sql));
    // In most cases one of the two is enough.
    for (const readOnly of sql === flips[0]?.[1] ? [true, false] : [true]) {
      const store = await openFolder(folder, readOnly ? { readOnly } : { access });
      expect(await codeOf(() => store.admin.get(id))).toBe('RECORD_DAMAGED');
      for (const reader of [store.as({ agentId: 'agent-b' }), store.as({ userId: 'agent-a' })]) {
        const found = await reader.recall('first', { mode: 'keyword' }).catch(() => []);
        expect(found.map((hit) => hit.id)).not.toContain(id);
      }
      expect(await store.admin.get(other)).toMatchObject({ text: 'Sales are closed.' });
      const { ok, problems } = await store.verify({ repair: true });
      expect(ok).toBe(false);
      expect(new Set(problems.map(({ part }) => part))).toEqual(new Set(['name', 'record']));
      expect(problems.filter((problem) => problem.id !== undefined)).toMatchObject([{ id }]);
      await store.close();
    }
  });
});

describe('a damaged name', () => {
  test('takes no new memories, while other names do', async () => {
    const { folder } = await stored();
    alterDatabase(folder, (database) => database.exec(`${flips[0]?.[1]}; ${flips[4]?.[1]}`));
    const store = await openFolder(folder, { access });
    const write = (agentId: string, namespace: string[]) => () =>
      store.as({ agentId, onBehalfOf: { userId: 'user-a' } }).remember('new', { namespace, ...off });
    for (const call of [write('other', ['supporu']), write('other', ['supporu', 'new']), write('agent-b', ['sales'])]) {
      const error = await refusal(call);
      expect(error).toMatchObject({ code: 'RECORD_DAMAGED', message: expect.stringContaining('backup') });
      expect(error.message).not.toMatch(/suppor|agent/);
    }
    expect(await write('other', ['sales'])()).toMatchObject({ outcome: 'stored' });
  });

  test('does not keep the host from forgetting the memories that refer to it', async () => {
    const { folder, id } = await stored();
    alterDatabase(folder, (database) => database.exec(flips[0]?.[1] as string));
    const store = await openFolder(folder, { access });
    expect(await store.admin.forget(id)).toBe(true);
    expect(await store.admin.get(id).catch(({ code }) => code)).not.toMatchObject({ id });
  });

  test('is noticed although another intact name was put in its place', async () => {
    const { folder, id } = await stored();
    const swap = (database: Database) =>
      database.exec(`
        update actors set id = 100 where id = 1;
        update actors set id = 1 where id = 2;
        update actors set id = 2 where id = 100`);
    alterDatabase(folder, swap);
    const store = await openFolder(folder, { access });
    expect(await damagedMemories(store)).toContain(id);
  });

  test('is noticed although it has a checksum, if it is not the name that the memory was written with', async () => {
    const { folder, id } = await stored();
    alterDatabase(folder, (database) => {
      database.exec("update actors set name = 'agent-b', alias = 5 where name = 'agent-a'");
      resealNames(database, checksum);
    });
    const store = await openFolder(folder, { access });
    expect(await damagedMemories(store)).toEqual([id]);
  });

  test('is found by verify while the store is open', async () => {
    const { folder } = await stored();
    const store = await openFolder(folder, { access });
    alterDatabase(folder, (database) =>
      database.exec("update spaces set model = 'other'; update actors set name = 'b'"),
    );
    const { problems } = await store.verify();
    expect(problems.map(({ part }) => part)).toContain('name');
  });
});

test('a name that changes together with its checksum leaves all memories intact', async () => {
  const { folder, id } = await stored();
  alterDatabase(folder, (database) => {
    database.exec("update actors set name = 'erased-1' where name = 'agent-a'");
    database.exec("update namespaces set label = 'erased-2' where label = 'support'");
    resealNames(database, checksum);
  });
  const store = await openFolder(folder, { access });
  expect((await store.verify()).problems).toEqual([]);
  expect(await store.admin.get(id)).toMatchObject({ agentId: 'erased-1', namespace: ['erased-2', 'eu'] });
  expect(await store.admin.history(id)).toHaveLength(2);
});

describe('a store of an earlier release', () => {
  test('keeps its records as they are, and their next revisions do not cover names any more', async () => {
    const { folder, id, other } = await stored();
    ofEarlierRelease(folder);
    const checksums = () =>
      alterDatabase(folder, (database) => database.prepare('select checksum from memories order by row').pluck().all());
    const before = checksums();
    const store = await openFolder(folder, { access });
    expect((await store.verify()).problems).toEqual([]);
    expect(await store.admin.history(id)).toHaveLength(2);
    expect(checksums()).toEqual(before);
    await store.admin.update(id, { priority: 0.5 });
    await store.close();
    const [first, second] = checksums();
    expect(first).toBe(before[0]);
    expect(second).not.toHaveLength(String(before[1]).length);
    const again = await openFolder(folder, { access });
    expect((await again.verify()).problems).toEqual([]);
    expect(await again.admin.get(other)).toBeDefined();
  });

  test.each([flips[0], flips[2], flips[4]] as typeof flips)(
    'notices damage to %s before and after its names got checksums',
    async (_, sql) => {
      for (const isOpened of [false, true]) {
        const { folder, id } = await stored();
        ofEarlierRelease(folder);
        if (isOpened) await (await openFolder(folder, { access })).close();
        alterDatabase(folder, (database) => database.exec(sql));
        const store = await openFolder(folder, { access });
        expect(await codeOf(() => store.admin.get(id))).toBe('RECORD_DAMAGED');
        await store.close();
      }
    },
  );

  test('is not opened for reading before its names have checksums', async () => {
    const { folder } = await stored();
    alterDatabase(folder, (database) => database.exec("delete from store_meta where key = 'names_sealed'"));
    const error = await refusal(() => openFolder(folder, { readOnly: true }));
    expect(error.message).toContain('Open it for writing once');
  });
});
