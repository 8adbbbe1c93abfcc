import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { allow, MemoryStore } from 'multi-agent-memory';
import { countingIds, fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { all, codeOf, ended, openFolder, openInMemory, openToAll, temporaryFolder } from './stores';

const namespace = ['support'];

describe('open', () => {
  test('creates the folder and its parents', async () => {
    const folder = join(await temporaryFolder(), 'a', 'b c', 'ж');
    const store = await openFolder(folder);
    await store.admin.remember('note', { namespace });
    expect((await readdir(folder)).length).toBeGreaterThan(0);
  });

  test('returns every field of a memory unchanged after a restart', async () => {
    const folder = await temporaryFolder();
    const clock = fakeClock(undefined, 7);
    const first = await openFolder(folder, { clock, newId: countingIds() });
    const agent = first.as({ agentId: 'billing', onBehalfOf: { userId: 'u1' } });
    const { id } = await agent.remember('The refund goes to the card.', {
      namespace: ['support', 'eu'],
      kind: 'procedural',
      key: 'k',
      tags: ['a', 'b'],
      priority: 0.123456789,
      metadata: { order: { id: 'A-1', lines: [1, null, true, 'x'] } },
      source: { channel: 'tool', ref: 'r' },
      userId: 'u1',
      sessionId: 's1',
      visibility: 'private',
      validFrom: new Date(5),
      validTo: new Date(6),
      expiresAt: Date.UTC(2040, 0),
    });
    await agent.update(id, { priority: 0.2 });
    await first.admin.remember('shared', { namespace, supersedes: id, accessTags: ['t'] });
    const include = ['superseded'] as const;
    const seen = async (store: MemoryStore) => {
      const admin = store.admin;
      return {
        listed: await all(admin.list({ include })),
        history: await admin.history(id),
        recalled: (await admin.recall('refund', { include, explain: true })).map(
          ({ score: _, parts: __, ...rest }) => rest,
        ),
        namespaces: await admin.namespaces(),
        memories: (await store.stats()).memories,
      };
    };
    const before = await seen(first);
    await first.close();
    const second = await openFolder(folder, { clock });
    expect(await seen(second)).toEqual(before);
  });

  test('returns stores that share everything if the process opens the folder several times, until the last store is closed', async () => {
    const folder = await temporaryFolder();
    const stores = await Promise.all(Array.from({ length: 8 }, () => openFolder(folder)));
    const [first, ...others] = stores as [MemoryStore, ...MemoryStore[]];
    const { id } = await first.admin.remember('note', { namespace });
    for (const store of others) expect((await store.admin.get(id))?.text).toBe('note');
    await first.close();
    expect(await codeOf(() => first.admin.get(id))).toBe('STORE_CLOSED');
    for (const store of others) {
      expect((await store.admin.recall('note')).map((hit) => hit.id)).toEqual([id]);
      await store.close();
    }
    const again = await openFolder(folder);
    expect(await again.admin.count()).toBe(1);
  });

  test('recognizes a folder that it has already opened by any path that leads to it', async () => {
    const base = await temporaryFolder();
    const folder = join(base, 'store');
    await mkdir(join(base, 'real'));
    await symlink(join(base, 'real'), join(base, 'link'));
    const first = await openFolder(folder);
    await first.admin.remember('note', { namespace });
    const paths = [relative(process.cwd(), folder), `${base}/./x/../store`, `${folder}/`];
    for (const path of paths) expect(await (await openFolder(path)).admin.count()).toBe(1);
    // A folder that is made by the first open, below a link.
    const below = await openFolder(join(base, 'link', 'new', 'store'));
    await below.admin.remember('note', { namespace });
    expect(await (await openFolder(join(base, 'real', 'new', 'store'))).admin.count()).toBe(1);
    await symlink(folder, join(base, 'another'));
    expect(await (await openFolder(join(base, 'another'))).admin.count()).toBe(1);
  });

  test('waits if the same folder is being closed', async () => {
    const folder = await temporaryFolder();
    for (let i = 0; i < 5; i++) {
      const store = await openFolder(folder);
      const written = store.admin.remember(`note ${i}`, { namespace, embed: false });
      const closing = store.close();
      const next = await MemoryStore.open(folder);
      await Promise.allSettled([written, closing]);
      await next.close();
    }
    expect(await (await openFolder(folder)).admin.count()).toBeGreaterThanOrEqual(0);
  });

  test('releases the folder again if it fails', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(() => MemoryStore.open(folder, { access: [allow('everyone', 'nobody', [])] }))).toBe(
      'INVALID_INPUT',
    );
    await writeFile(join(folder, 'memory.db'), 'this is no database, however long it may be'.repeat(100));
    expect(await codeOf(() => MemoryStore.open(folder))).toBe('RECORD_DAMAGED');
    expect(await codeOf(() => MemoryStore.open(folder))).toBe('RECORD_DAMAGED');
  });

  test('creates nothing if its signal is already aborted', async () => {
    const folder = join(await temporaryFolder(), 'none');
    const reason = new Error('Enough.');
    await expect(MemoryStore.open(folder, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(readdir(folder)).rejects.toThrow();
  });

  test('does not affect concurrent opens of the folder if it fails', async () => {
    const folder = await temporaryFolder();
    const opened = await Promise.allSettled([
      openFolder(folder),
      MemoryStore.open(folder, { topK: 1 } as never),
      openFolder(folder),
      MemoryStore.open(folder, { embedder: {} } as never),
    ]);
    expect(opened.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    for (const each of opened) if (each.status === 'fulfilled') await each.value.admin.remember('note', { namespace });
  });
});

describe('the ids of a store in a folder', () => {
  test('are UUIDs of version 7 that start with the time and contain no counter', async () => {
    const at = Date.UTC(2026, 5, 1);
    const store = await openFolder(await temporaryFolder(), { clock: { now: () => at } });
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) ids.push((await store.admin.remember('note', { namespace, embed: false })).id);
    expect(new Set(ids).size).toBe(60);
    const time = at.toString(16).padStart(12, '0');
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(id.replaceAll('-', '').slice(0, 12)).toBe(time);
    }
    // Within a millisecond no order tells one agent how much the others write.
    const ascending = ids.filter((id, i) => i > 0 && id > (ids[i - 1] as string)).length;
    expect(ascending).toBeGreaterThan(10);
    expect(ascending).toBeLessThan(50);
  });
});

describe('await using', () => {
  test('closes the store at the end of its block, after the accepted writes', async () => {
    const folder = await temporaryFolder();
    let kept: MemoryStore;
    {
      await using store = await MemoryStore.open(folder, { access: openToAll });
      kept = store;
      await store.admin.remember('note', { namespace });
    }
    expect(await codeOf(() => kept.admin.count())).toBe('STORE_CLOSED');
    {
      await using store = await MemoryStore.open(folder);
      expect(await store.admin.count()).toBe(1);
    }
  });
});

describe('a closed store', () => {
  test('rejects every call on it and on its handles with STORE_CLOSED', async () => {
    const store = await openInMemory();
    const agent = store.as({ agentId: 'billing' }, { namespace });
    const { id } = await agent.remember('note');
    const listing = agent.list();
    await store.close();
    await store.close();
    const calls: (() => unknown)[] = [
      () => agent.remember('note'),
      () => agent.rememberMany([{ text: 'note' }]),
      () => agent.rememberMany([{ text: 'note' }], { atomic: true }),
      () => agent.recall('note'),
      () => agent.recall('note', { mode: 'keyword' }),
      () => agent.get(id),
      () => agent.history(id),
      () => listing,
      () => agent.list(),
      () => all(agent.list()),
      () => agent.count(),
      () => agent.namespaces(),
      () => agent.update(id, { priority: 1 }),
      () => agent.forget(id),
      () => agent.forgetWhere({ namespace }, { dryRun: true }),
      () => all(agent.watch()),
      () => agent.within({ userId: 'u' }).count(),
      () => store.as({ agentId: 'a' }),
      () => store.admin.count(),
      () => store.settled(),
      () => store.backup('/nowhere'),
      () => store.verify(),
      () => store.stats(),
    ];
    for (const call of calls) expect(await codeOf(call), String(call)).toBe('STORE_CLOSED');
  });

  test('has let each running call finish or has rejected it with STORE_CLOSED, and leaves no half write', async () => {
    const folder = await temporaryFolder();
    for (let round = 0; round < 4; round++) {
      const store = await openFolder(folder, { clock: fakeClock() });
      const { id } = await store.admin.remember('before', { namespace });
      const { id: other } = await store.admin.remember('before', { namespace });
      const calls = [
        store.admin.remember('apple', { namespace, key: `a-${round}` }),
        store.admin.remember('apple', { namespace, key: `b-${round}`, embed: false, idempotencyKey: `i-${round}` }),
        store.admin.rememberMany(
          Array.from({ length: 600 }, () => ({ text: 'many', namespace, embed: false as const })),
        ),
        store.admin.update(id, { text: 'updated' }),
        store.admin.forget(other),
        store.admin.recall('before'),
        store.admin.recall('before', { mode: 'keyword' }),
        store.admin.list().then((page) => page),
        store.admin.count(),
        store.admin.history(id),
        store.verify(),
        store.settled(),
        all(store.admin.list({ limit: 1 })),
      ];
      for (let i = 0; i < round; i++) await new Promise(setImmediate);
      const settled = Promise.allSettled(calls);
      await store.close();
      const outcomes = await settled;
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'STORE_CLOSED' });
      }
      const again = await openFolder(folder);
      // What was acknowledged is there.
      const acknowledged = (i: number) => outcomes[i]?.status === 'fulfilled';
      expect((await again.admin.get({ namespace, key: `a-${round}` })) !== undefined || !acknowledged(0)).toBe(true);
      expect((await again.admin.get({ namespace, key: `b-${round}` })) !== undefined || !acknowledged(1)).toBe(true);
      if (acknowledged(3)) expect((await again.admin.get(id))?.text).toBe('updated');
      if (acknowledged(4)) expect(await again.admin.get(other)).toBeUndefined();
      expect((await again.verify()).problems).toEqual([]);
      await ended(again);
    }
  });
});

describe('a store with too many waiting writes', () => {
  test('rejects further writes with a retryable OVERLOADED, and completes the accepted ones', async () => {
    const store = await openInMemory({ limits: { pendingWrites: 10 } });
    const write = (i: number) => store.admin.remember(`note ${i}`, { namespace, embed: false });
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => write(i)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'OVERLOADED', retryable: true });
    expect(await store.admin.count()).toBe(100 - refused.length);
    await write(101);
  });

  test('delays the items of rememberMany instead of rejecting them', async () => {
    const store = await openInMemory({ limits: { pendingWrites: 300 } });
    const items = Array.from({ length: 2_000 }, (_, i) => ({ text: `note ${i}`, namespace, embed: false as const }));
    expect(await store.admin.rememberMany(items)).toMatchObject({ stored: 2_000, failed: 0 });
  });
});
