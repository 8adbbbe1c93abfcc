import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { message, start } from './child';
import { restoreSchema9 } from './earlier-schema';
import { codeOf, ended, openFolder, refusal, take, temporaryFolder } from './stores';

const namespace = ['support'];

async function tell(owner: ChildProcess, deed: string, text = ''): Promise<void> {
  const answered = message(owner);
  owner.send({ deed, text });
  expect(JSON.stringify(await answered)).not.toContain('error');
}

describe('a read-only store', () => {
  test('sees the writes of another process', async () => {
    const folder = await temporaryFolder();
    const owner = start('owner', folder);
    await tell(owner, 'open');
    await tell(owner, 'remember', 'apple');
    const store = await openFolder(folder, { readOnly: true });
    const agent = store.as({ agentId: 'billing' }, { namespace });
    const texts = async () => {
      const [listed, ...recalled] = await Promise.all([
        agent.list({ order: 'oldest' }).then(({ items }) => items),
        agent.recall('apple banana', { mode: 'hybrid' }),
        agent.recall('apple banana', { mode: 'keyword' }),
        agent.recall('apple banana', { mode: 'semantic' }),
      ]);
      for (const hits of recalled)
        expect(hits.map(({ text }) => text).sort()).toEqual(listed.map(({ text }) => text).sort());
      return listed.map(({ text }) => text);
    };
    expect(await texts()).toEqual(['apple']);
    const feed = take(agent.watch(), 3);
    await tell(owner, 'remember', 'banana');
    expect(await texts()).toEqual(['apple', 'banana']);
    await tell(owner, 'update', 'apple');
    expect(await texts()).toEqual(['apple corrected', 'banana']);
    expect(await agent.count({ tags: ['new'] })).toBe(1);
    expect((await agent.get({ namespace, key: 'apple' }))?.revision).toBe(2);
    await tell(owner, 'forget', 'banana');
    expect(await texts()).toEqual(['apple corrected']);
    expect((await feed).map(({ type }) => type)).toEqual(['stored', 'revised', 'forgotten']);
    await tell(owner, 'forbid');
    expect(await texts()).toEqual([]);
    expect(await store.admin.count()).toBe(1);
    expect(await codeOf(() => MemoryStore.open(folder))).toBe('STORE_HELD');
    await tell(owner, 'close');
    expect(await store.admin.count()).toBe(1);
  });

  test('rejects every write with STORE_READ_ONLY', async () => {
    const folder = await temporaryFolder();
    const owner = await openFolder(folder);
    const { id } = await owner.admin.remember('note', { namespace });
    const { admin } = await openFolder(folder, { readOnly: true });
    const writes = [
      () => admin.remember('note', { namespace }),
      () => admin.rememberMany([{ text: 'note', namespace }]),
      () => admin.rememberMany([{ text: 'note', namespace }], { atomic: true }),
      () => admin.update(id, { priority: 1 }),
      () => admin.forget(id),
      () => admin.forgetWhere({ namespace }, { dryRun: false }),
    ];
    for (const write of writes) expect(await codeOf(write)).toBe('STORE_READ_ONLY');
    expect(await owner.admin.count()).toBe(1);
    expect((await admin.get(id))?.revision).toBe(1);
  });

  test('returns the same scores, cursors and stats as the writer process', async () => {
    const folder = await temporaryFolder();
    const owner = await openFolder(folder, { clock: { now: () => 1_000 } });
    for (let i = 0; i < 20; i++)
      await owner.admin.remember(`note ${i} on apples`, { namespace, validFrom: new Date(i) });
    const reader = await openFolder(folder, { readOnly: true, clock: { now: () => 1_000 } });
    expect(await reader.admin.recall('apple note', { explain: true })).toEqual(
      await owner.admin.recall('apple note', { explain: true }),
    );
    const page = await owner.admin.list({ limit: 5 });
    expect(await reader.admin.list({ limit: 5 })).toEqual(page);
    expect((await reader.admin.list({ limit: 5, cursor: page.nextCursor ?? '' })).items).toHaveLength(5);
    expect((await reader.stats()).memories).toBe(20);
    expect((await reader.verify()).ok).toBe(true);
  });

  test('leaves the folder unchanged, and needs no writer process', async () => {
    const folder = await temporaryFolder();
    const owner = await openFolder(folder);
    const { id } = await owner.admin.remember('note', { namespace });
    await ended(owner);
    const reader = await openFolder(folder, { readOnly: true });
    expect((await reader.admin.get(id))?.text).toBe('note');
    expect((await reader.admin.recall('note')).map((hit) => hit.id)).toEqual([id]);
    // It holds nothing: an owner may come beside it.
    const next = await openFolder(folder);
    const { id: second } = await next.admin.remember('another', { namespace });
    expect((await reader.admin.get(second))?.text).toBe('another');
  });

  test('cannot be opened in a folder without a store, and does not create a store', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(() => MemoryStore.open(folder, { readOnly: true }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.open(`${folder}/none`, { readOnly: true }))).toBe('INVALID_INPUT');
    await openFolder(folder);
  });

  test('cannot be opened for a store with an earlier schema; the error advises migrating the store', async () => {
    const folder = await temporaryFolder();
    await (await openFolder(folder)).close();
    const database = new BetterSqlite(join(folder, 'memory.db'));
    restoreSchema9(database);
    database.pragma('user_version = 6');
    database.close();
    const error = await refusal(() => MemoryStore.open(folder, { readOnly: true }));
    expect(error).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('Open it for writing once'),
    });
    await (await openFolder(folder)).close();
    await openFolder(folder, { readOnly: true });
  });

  test('ends its watches when it is closed', async () => {
    const folder = await temporaryFolder();
    await openFolder(folder);
    const reader = await openFolder(folder, { readOnly: true });
    const watching = take(reader.admin.watch(), 1);
    setImmediate(() => reader.close());
    expect(await watching).toEqual([]);
  });
});
