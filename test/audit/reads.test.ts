import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import BetterSqlite from 'better-sqlite3';
import { allow, type Checkpoint, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { entries, folder, inMemory, line } from './stores';

const access = [allow({ agentId: 'a' }, 'curator', ['x'])];

/** How many access entries are on disk. */
function onDisk(path: string): number {
  const database = new BetterSqlite(join(path, 'audit.db'), { readonly: true });
  try {
    return database.prepare('select count(*) from audit_entries').pluck().get() as number;
  } finally {
    database.close();
  }
}

describe('the entries of reads', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("with 'durable', are on disk before the read is answered, and concurrent reads share a commit", async () => {
    const path = folder();
    await using store = await MemoryStore.open(path, { access, audit: { reads: 'durable' } });
    const a = store.as({ agentId: 'a' });
    const { id } = await a.remember('A note.', { namespace: ['x'] });
    await a.get(id);
    expect(onDisk(path)).toBe(1);
    await Promise.all(Array.from({ length: 50 }, () => a.get(id)));
    expect(onDisk(path)).toBe(51);
    await expect(a.remember('No.', { namespace: ['y'] })).rejects.toThrow();
    expect(onDisk(path)).toBe(52);
    // One entry for the watch, and one for the change that it delivers.
    for await (const _ of a.watch({ since: 'start' })) break;
    expect(onDisk(path)).toBe(54);
  });

  test("with 'batched', are written when 1,024 are waiting, when the audit is queried, and when the store closes", async () => {
    vi.useFakeTimers();
    const path = folder();
    const store = await MemoryStore.open(path, { access });
    const a = store.as({ agentId: 'a' });
    const { id } = await a.remember('A note.', { namespace: ['x'] });
    for (let i = 0; i < 1_023; i++) await a.get(id);
    expect(onDisk(path)).toBe(0);
    await a.get(id);
    expect(onDisk(path)).toBe(1_024);
    await a.get(id);
    expect((await store.audit.query({ id, action: 'get', limit: 1 })).items[0]?.seq).toBe(1_025);
    await a.get(id);
    await store.close();
    expect(onDisk(path)).toBe(1_027);
  });

  test("with 'batched', are written after at most a second, like checkpoints", async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const path = folder();
    const kept: Checkpoint[] = [];
    await using store = await MemoryStore.open(path, { access, audit: { onCheckpoint: (head) => kept.push(head) } });
    const a = store.as({ agentId: 'a' });
    const { id } = await a.remember('A note.', { namespace: ['x'] });
    await a.get(id);
    expect([onDisk(path), kept.length]).toEqual([0, 0]);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(onDisk(path)).toBe(1);
    // The disk takes a moment of real time.
    while (kept.length < 2) await setImmediate();
    expect(kept.map(({ chain, size }) => [chain, size])).toEqual([
      ['changes', 2],
      ['access', 1],
    ]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(kept).toHaveLength(2);
  });

  test('name the namespaces and the principal of the call, even if the caller changes its objects before they are written', async () => {
    await using store = await inMemory({ access });
    const principal = { agentId: 'a' };
    const a = store.as(principal);
    const namespace = ['x'];
    const { id } = await store.admin.remember('A note.', { namespace, key: 'k' });
    const got = await a.get(id);
    const gotByKey = await a.get({ namespace, key: 'k' });
    const hits = await a.recall('note', { namespace });
    const { items } = await a.list({ namespace });
    await a.count({ namespace });
    principal.agentId = 'b';
    for (const each of [namespace, ...[got, gotByKey, ...hits, ...items].map((memory) => memory?.namespace)]) {
      (each as string[])[0] = 'y';
    }
    const recorded = (await store.audit.query({ by: { agentId: 'a' } })).items.map((entry) => ({
      action: entry.action,
      namespace: entry.namespace,
      touched: entry.memories.map((memory) => memory.namespace),
    }));
    expect(recorded.reverse()).toEqual([
      { action: 'get', namespace: [], touched: [['x']] },
      { action: 'get', namespace: ['x'], touched: [['x']] },
      { action: 'recall', namespace: ['x'], touched: [['x']] },
      { action: 'list', namespace: ['x'], touched: [['x']] },
      { action: 'count', namespace: ['x'], touched: [] },
    ]);
  });

  test("with 'off', are recorded only for refused calls, reads by the host and queries of the audit", async () => {
    const store = await inMemory({ access, audit: { reads: 'off' } });
    const a = store.as({ agentId: 'a' });
    const { id } = await a.remember('A note.', { namespace: ['x'] });
    await a.get(id);
    await a.recall('note');
    await expect(a.remember('No.', { namespace: ['y'] })).rejects.toThrow();
    await store.admin.get(id);
    await store.audit.query();
    expect((await entries(store)).filter(({ chain }) => chain === 'access').map(line)).toEqual([
      ...['a, remember, FORBIDDEN', `root, get, ${id}`, 'root, audit.query'],
    ]);
  });
});

test('a checkpoint is made for every 1,024 entries', async () => {
  vi.useFakeTimers();
  const kept: Checkpoint[] = [];
  const store = await inMemory({ access, audit: { onCheckpoint: (head) => kept.push(head), origin: 'ward-7' } });
  const a = store.as({ agentId: 'a' }, { namespace: ['x'] });
  await a.rememberMany(Array.from({ length: 1_100 }, (_, i) => ({ text: `Note ${i}`, embed: false as const })));
  expect(kept.map(({ chain, origin }) => [chain, origin])).toEqual([['changes', 'ward-7/changes']]);
  expect(kept[0]?.size).toBeGreaterThanOrEqual(1_024);
  expect(kept[0]?.size).toBeLessThan(1_024 + 32);
  vi.useRealTimers();
});

test('an error that `onCheckpoint` throws becomes an uncaught exception and does not affect the store', async () => {
  const thrown: unknown[] = [];
  const onUncaught = (error: unknown) => void thrown.push(error);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', onUncaught);
  const onCheckpoint = () => {
    throw new Error('from the listener');
  };
  const store = await MemoryStore.inMemory({ audit: { onCheckpoint } });
  await store.admin.remember('A note.', { namespace: ['x'] });
  await store.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.removeAllListeners('uncaughtException');
  for (const listener of others) process.on('uncaughtException', listener);
  expect(thrown).toMatchObject([{ message: 'from the listener' }]);
});

test('invalid audit options are rejected with every issue', async () => {
  const audit = { reads: 'sometimes', signingKey: 5, origin: 'two words', onCheckpoint: 1, more: 1 } as never;
  const refused = MemoryStore.inMemory({ audit });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: { length: 5 } });
  await expect(MemoryStore.inMemory({ audit: { signingKey: 'no key' } })).rejects.toThrow('Ed25519');
});

test('the audit contains no text, query, tag, key, metadata or error message', async () => {
  const path = folder();
  const canary = (what: string) => `canary-${what}-zxqv`;
  await using store = await MemoryStore.open(path, { access: [allow('everyone', 'curator', [])] });
  const a = store.as({ agentId: 'a', onBehalfOf: { userId: 'u' } }, { namespace: ['x'] });
  const memory = {
    ...{ tags: [canary('tag')], key: canary('key'), metadata: { [canary('field')]: canary('value') } },
    ...{
      sessionId: canary('session'),
      idempotencyKey: canary('once'),
      source: { channel: 'tool' as const, ref: canary('ref') },
    },
  };
  const { id } = await a.remember(canary('text'), memory);
  await store.admin.remember(canary('secret'), { namespace: ['x'], accessTags: [canary('access')] });
  await a.remember(canary('text'), memory);
  await a.recall(canary('query'), { tags: [canary('tag')], filter: { metadata: { [canary('field')]: 'x' } } });
  await a.get({ namespace: ['x'], key: canary('key') });
  await a.get(canary('id'));
  await a.forget(canary('id'));
  await a.history(canary('id'));
  await a.list({ userId: canary('user'), filter: { key: canary('key') } });
  await expect(a.update(canary('id'), { text: canary('new') })).rejects.toThrow(canary('id'));
  await expect(a.remember('x', { accessTags: [canary('access')] })).rejects.toThrow();
  await expect(a.recall('x', { filter: { [canary('wrong')]: 1 } as never })).rejects.toThrow();
  await a.update(id, { text: canary('new'), metadata: { [canary('field')]: canary('other') } });
  await a.forgetWhere({ tags: [canary('tag')] }, { dryRun: true });
  await store.audit.query({ userId: canary('user') });
  await store.audit.checkpoint();

  const files = readdirSync(path).filter((name) => name.startsWith('audit'));
  expect(files.length).toBeGreaterThan(1);
  for (const name of files) expect(readFileSync(join(path, name)).includes('canary'), name).toBe(false);
  const database = new BetterSqlite(join(path, 'memory.db'), { readonly: true });
  const tables = ['audit_entries', 'audit_names', 'audit_segments', 'audit_touched'];
  const rows = tables.flatMap((table) => database.prepare(`select * from ${table}`).all());
  database.close();
  expect(rows.length).toBeGreaterThan(5);
  expect(JSON.stringify(rows)).not.toContain('canary');
});
