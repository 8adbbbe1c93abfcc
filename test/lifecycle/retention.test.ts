import { allow, type MemoryHandle, MemoryStore, retain } from 'multi-agent-memory';
import { fakeClock, inMemoryCluster } from 'multi-agent-memory/testing';
import { describe, expect, test, vi } from 'vitest';
import { all, codeOf, issuePaths, openFolder, openInMemory, temporaryFolder } from '../store/stores';

const dayMs = 24 * 60 * 60 * 1000;
const everybody = allow('everyone', 'curator', []);
const support = { namespace: ['support'], embed: false } as const;
const ninety = retain({ at: ['support'], maxAgeDays: 90, then: 'forget' });

/** What every read path finds of a memory. */
async function found(handle: MemoryHandle, id: string): Promise<Record<string, boolean>> {
  const has = (list: readonly { id: string }[]) => list.some((each) => each.id === id);
  const changes: { id: string; memory?: unknown }[] = [];
  const abort = new AbortController();
  const { watch } = handle;
  const seen = (async () => {
    for await (const change of watch.call(handle, { since: 'start', signal: abort.signal })) changes.push(change);
  })().catch(() => undefined);
  const include = ['expired', 'superseded', 'consolidated'] as const;
  const result = {
    get: (await handle.get(id)) !== undefined,
    recall: has(await handle.recall('parcel', { mode: 'keyword' })),
    list: has((await handle.list()).items),
    everything: has((await handle.list({ include })).items),
    filtered: has((await handle.list({ filter: { text: { contains: 'parcel' } }, include })).items),
    history: (await handle.history(id)).length > 0,
    count: (await handle.count({ filter: { id } })) > 0,
  };
  const exported = await all(handle.exportSubject({ userId: 'kim' }));
  await new Promise((resolve) => setTimeout(resolve, 0));
  abort.abort();
  await seen;
  const isExported = exported.some((each) => each.line === 'memory' && each.memory.id === id);
  return {
    ...result,
    exportSubject: isExported,
    watch: changes.some((change) => change.id === id && change.memory !== undefined),
  };
}

const nowhere = Object.fromEntries(
  ['get', 'recall', 'list', 'everything', 'filtered', 'history', 'count', 'exportSubject', 'watch'].map((path) => [
    path,
    false,
  ]),
);
const everywhere = Object.fromEntries(Object.keys(nowhere).map((path) => [path, true]));

describe('a retention', () => {
  test('hides a memory from every read as soon as it is old enough, and the sweep forgets it', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody] });
    // Declared now, so that no sweep in the background begins within a minute.
    await store.admin.access.retain({ at: ['support'], maxAgeDays: 90, then: 'forget' });
    const agent = store.as({ agentId: 'a' });
    const { id } = await agent.remember('The parcel is late.', { ...support, userId: 'kim' });
    const other = await agent.remember('The parcel of sales.', {
      namespace: ['sales'],
      userId: 'kim',
      embed: false,
    });
    clock.advance(80 * dayMs);
    await agent.update(id, { text: 'The parcel is very late.' });
    clock.advance(10 * dayMs - 1);
    expect(await found(agent, id)).toEqual(everywhere);
    expect((await agent.stats()).memories).toBe(2);
    clock.advance(1);
    for (const handle of [agent, store.admin]) {
      expect(await found(handle, id)).toEqual(nowhere);
      expect((await handle.stats()).memories).toBe(1);
    }
    expect(await codeOf(() => agent.update(id, { pinned: true }))).toBe('NOT_FOUND');
    expect(await codeOf(() => agent.share(id, { namespace: ['sales'] }))).toBe('NOT_FOUND');
    const [rule] = (await store.admin.access.list()).filter((each) => 'retain' in each);
    const one = { id: rule?.id, at: ['support'], due: 1 };
    expect((await store.lifecycle.status()).retention).toEqual([{ ...one, maxAgeDays: 90 }]);
    expect((await store.lifecycle.run({ dryRun: true })).retention).toEqual([{ ...one, forgotten: 0 }]);
    expect((await store.stats()).memories).toBe(2);
    expect((await store.lifecycle.run({ dryRun: false })).retention).toEqual([{ ...one, forgotten: 1 }]);
    expect((await store.stats()).memories).toBe(1);
    expect((await store.lifecycle.status()).retention).toMatchObject([{ due: 0 }]);
    expect(await found(agent, other.id)).toEqual(everywhere);
    const entries = await all(store.audit.query({ order: 'newest' }));
    expect(entries.find(({ action }) => action === 'retire')).toMatchObject({
      memories: [{ id }],
      rules: [rule?.id],
    });
    expect((await store.verify()).problems).toEqual([]);
    expect((await store.stats()).recheckRejected).toBe(0);
  });

  test('counts from the next read on when it is declared, and what is not forgotten yet is back when it ends', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody] });
    const ids: string[] = [];
    for (const kind of ['episodic', 'semantic'] as const)
      ids.push((await store.admin.remember('A parcel.', { ...support, kind })).id);
    const pinned = await store.admin.remember('A pinned parcel.', { ...support, pinned: true });
    clock.advance(40 * dayMs);
    const listed = async () => (await store.admin.list({ order: 'oldest' })).items.map(({ id }) => id);
    const recalled = async () => (await store.admin.recall('parcel', { mode: 'keyword' })).length;
    expect([await listed(), await recalled()]).toEqual([[...ids, pinned.id], 3]);
    const { access } = store.admin;
    const wide = await access.retain({ at: [], maxAgeDays: 30, then: 'forget' });
    expect(wide).toMatchObject({ retain: 'forget', at: [], maxAgeDays: 30, declared: false });
    expect([await listed(), await recalled()]).toEqual([[pinned.id], 1]);
    expect(await access.end(wide.id)).toBe(true);
    expect([await listed(), await recalled()]).toEqual([[...ids, pinned.id], 3]);
    await access.retain({ at: ['support'], kind: 'semantic', maxAgeDays: 40, then: 'forget' });
    await access.retain({ at: ['support'], kind: 'semantic', maxAgeDays: 50, then: 'forget' });
    expect([await listed(), await recalled()]).toEqual([[ids[0], pinned.id], 2]);
    await store.admin.update(pinned.id, { pinned: null });
    await store.admin.update(ids[0] as string, { kind: 'semantic', pinned: true });
    expect([await listed(), await recalled()]).toEqual([[ids[0], pinned.id], 2]);
    await store.lifecycle.run({ dryRun: false });
    expect((await store.stats()).memories).toBe(2);
  });

  test('ends with the earlier time of a memory that expires, and moves with the namespace', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody, ninety] });
    const { admin } = store;
    const soon = await admin.remember('A', { ...support, expiresAt: new Date(clock.now() + dayMs) });
    const late = await admin.remember('B', { ...support, expiresAt: new Date(clock.now() + 900 * dayMs) });
    const moved = await admin.remember('C', { namespace: ['sales'], embed: false });
    clock.advance(2 * dayMs);
    expect(await admin.get(soon.id)).toBeUndefined();
    expect((await admin.list({ include: ['expired'] })).items).toHaveLength(3);
    clock.advance(90 * dayMs);
    expect(await admin.get(late.id)).toBeUndefined();
    expect((await admin.list({ include: ['expired'] })).items.map(({ id }) => id)).toEqual([moved.id]);
    await admin.share(moved.id, { namespace: ['support'] });
    expect(await admin.count({ include: ['expired'] })).toBe(0);
  });

  test('lets a new memory begin under the key of one that it has reached, and forgets that one', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody, ninety] });
    const agent = store.as({ agentId: 'a' });
    const first = await agent.remember('old', { ...support, key: 'order' });
    clock.advance(91 * dayMs);
    const second = await agent.remember('new', { ...support, key: 'order' });
    expect(second).toMatchObject({ outcome: 'stored', revision: 1 });
    expect(second.id).not.toBe(first.id);
    expect((await agent.get({ namespace: ['support'], key: 'order' }))?.text).toBe('new');
    expect((await store.lifecycle.status()).retention).toMatchObject([{ due: 0 }]);
  });

  test('reaches a fact with the first of its sources, and forgets it with them', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody, ninety] });
    for (let i = 0; i < 8; i++) await store.admin.remember(`Parcel ${i} was delivered to house ${i}.`, support);
    clock.advance(50 * dayMs);
    await store.admin.consolidate({}, { dryRun: false, ratio: 1 });
    const facts = () => store.admin.count({ filter: { kind: 'summary' } });
    expect(await facts()).toBeGreaterThan(0);
    clock.advance(40 * dayMs);
    expect(await facts()).toBe(0);
    expect(await store.admin.count({ include: ['consolidated'] })).toBe(0);
    await store.lifecycle.run({ dryRun: false });
    expect((await store.stats()).memories).toBe(0);
  });

  test('is forgotten on request before the sweep, and a hold keeps its bytes for the host', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody] });
    // Declared now, so that no sweep in the background begins within a minute.
    await store.admin.access.retain({ at: ['support'], maxAgeDays: 90, then: 'forget' });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++)
      ids.push((await store.admin.remember(`parcel ${i}`, { ...support, userId: `u${i}` })).id);
    await store.hold({ matter: 'm', selection: { userId: 'u3' } });
    clock.advance(91 * dayMs);
    expect(await store.admin.forgetWhere({ userId: 'u0' }, { dryRun: false })).toMatchObject({ forgotten: 0 });
    expect(await store.admin.forget(ids[1] as string)).toBe(false);
    expect((await store.lifecycle.run({ dryRun: false })).retention).toMatchObject([{ due: 2, forgotten: 2 }]);
    expect(await store.withheld()).toMatchObject([{ id: ids[3], revisions: [{ text: 'parcel 3' }] }]);
    expect(await store.admin.count({ include: ['expired'] })).toBe(0);
  });

  test('is swept in the background, after a restart too, and read-only readers see its effect', async () => {
    const folder = await temporaryFolder();
    const clock = fakeClock();
    const store = await openFolder(folder, { clock, access: [everybody, ninety] });
    const { id } = await store.admin.remember('parcel', support);
    await store.close();
    clock.advance(91 * dayMs);
    const reader = await openFolder(folder, { clock, readOnly: true });
    expect(await reader.admin.get(id)).toBeUndefined();
    expect((await reader.lifecycle.status()).retention).toMatchObject([{ due: 1 }]);
    const again = await openFolder(folder, { clock, access: [everybody, ninety] });
    await vi.waitFor(async () => expect((await again.stats()).memories).toBe(0), 5_000);
    expect((await reader.lifecycle.status()).retention).toMatchObject([{ due: 0 }]);
  });

  test('is declared, listed, run and ended from another process', async () => {
    const folder = await temporaryFolder();
    const clock = fakeClock();
    await using store = await openFolder(folder, { clock, serve: true, access: [] });
    await using connected = await MemoryStore.connect(folder);
    await store.admin.remember('parcel', support);
    clock.advance(31 * dayMs);
    const { id } = await connected.admin.access.retain({ at: [], maxAgeDays: 30, then: 'forget' });
    expect(await connected.admin.access.list()).toMatchObject([{ id, retain: 'forget', maxAgeDays: 30 }]);
    expect(await connected.admin.count()).toBe(0);
    expect((await connected.lifecycle.run({ dryRun: true })).retention).toEqual([{ id, at: [], due: 1, forgotten: 0 }]);
    expect(await connected.admin.access.end(id)).toBe(true);
    expect(await connected.admin.count()).toBe(1);
  });

  test('counts on every node of a cluster, and any of them sweeps for all', async () => {
    const clock = fakeClock();
    await using cluster = await inMemoryCluster({ clock, access: [everybody] });
    const [one, two, three] = cluster.nodes as [MemoryStore, MemoryStore, MemoryStore];
    const { id } = await one.admin.remember('parcel', support);
    await two.admin.remember('pinned parcel', { ...support, pinned: true });
    clock.advance(91 * dayMs);
    await two.admin.access.retain({ at: ['support'], maxAgeDays: 90, then: 'forget' });
    for (const node of cluster.nodes) expect(await node.admin.get(id)).toBeUndefined();
    expect((await three.lifecycle.run({ dryRun: false })).retention).toMatchObject([{ due: 1, forgotten: 1 }]);
    await cluster.settle();
    for (const node of cluster.nodes) expect((await node.stats()).memories).toBe(1);
  });

  test('is declared by those with administer and erase alone', async () => {
    const store = await openInMemory({
      access: [
        everybody,
        allow({ agentId: 'privacy' }, ['administer', 'erase'], ['support']),
        allow({ agentId: 'rules' }, ['administer'], ['support']),
      ],
    });
    const request = { at: ['support'], maxAgeDays: 1, then: 'forget' } as const;
    const as = (agentId: string) => store.as({ agentId }).access;
    expect(await codeOf(() => as('rules').retain(request))).toBe('FORBIDDEN');
    expect(await codeOf(() => as('privacy').retain({ ...request, at: [] }))).toBe('FORBIDDEN');
    const { id } = await as('privacy').retain(request);
    expect(await as('rules').list()).toMatchObject([{}, {}, { id }]);
    expect(await codeOf(() => as('rules').end(id))).toBe('FORBIDDEN');
    expect(await as('privacy').end(id)).toBe(true);
  });

  test('with invalid fields is refused, with every issue at once', async () => {
    const { admin } = await openInMemory();
    const invalid = { at: 'support', maxAgeDays: 0, kind: undefined, then: 'burn', other: 1 } as never;
    expect((await issuePaths(() => admin.access.retain(invalid))).sort()).toEqual(
      ['at', 'kind', 'maxAgeDays', 'other', 'retain'].sort(),
    );
    expect(await codeOf(() => admin.access.retain(undefined as never))).toBe('INVALID_INPUT');
  });
});
