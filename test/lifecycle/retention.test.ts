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
    expect((await store.lifecycle.status()).retention).toEqual([{ ...one, retain: 'forget', maxAgeDays: 90 }]);
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
    const recalled = async () => (await store.admin.recall('parcel', { mode: 'keyword', distinct: false })).length;
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

  test('forgets the oldest memories beyond a number, and neither counts nor forgets pinned ones', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody] });
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      const options = { ...support, namespace: ['support', `n${i % 2}`], pinned: i === 1 };
      ids.push((await store.as({ agentId: `a${i}` }).remember(`parcel ${i}`, options)).id);
      clock.advance(1);
    }
    await store.admin.remember('Another kind of parcel.', { ...support, kind: 'semantic' });
    await store.admin.update(ids[0] as string, { text: 'The oldest parcel.' });
    const request = { at: ['support'], kind: 'episodic', maxMemories: 3, then: 'forget' } as const;
    const { id } = await store.admin.access.retain(request);
    // A number hides nothing before the sweep.
    expect(await store.admin.count()).toBe(7);
    const one = { id, at: ['support'], due: 2 };
    const status = { ...one, retain: 'forget', kind: 'episodic', maxMemories: 3 };
    expect((await store.lifecycle.status()).retention).toEqual([status]);
    expect((await store.lifecycle.run({ dryRun: true })).retention).toEqual([{ ...one, forgotten: 0 }]);
    expect(await store.admin.count()).toBe(7);
    expect((await store.lifecycle.run({ dryRun: false })).retention).toEqual([{ ...one, forgotten: 2 }]);
    const left = (await store.admin.list({ filter: { kind: 'episodic' }, order: 'oldest' })).items;
    expect(left.map((each) => each.id)).toEqual([ids[1], ids[3], ids[4], ids[5]]);
    await store.admin.remember('parcel 6', support);
    await store.lifecycle.run({ dryRun: false });
    expect(await store.admin.get(ids[3] as string)).toBeUndefined();
    await store.admin.forget(ids[4] as string);
    await store.admin.remember('parcel 7', support);
    expect((await store.lifecycle.run({ dryRun: false })).retention).toMatchObject([{ due: 0, forgotten: 0 }]);
    expect((await store.verify()).problems).toEqual([]);
  });

  test('hands the oldest memories to consolidation with the policy there, and says what cannot be consolidated', async () => {
    const clock = fakeClock();
    const policy = { at: ['support', 'vip'], minSources: 2, olderThanDays: 365, ratio: 1 };
    const store = await openInMemory({ clock, access: [everybody], consolidation: [policy] });
    const write = async (count: number, options: object) => {
      for (let i = 0; i < count; i++)
        await store.admin.remember(`Parcel ${i} went to house ${i}.`, { ...support, ...options });
    };
    await write(3, { namespace: ['support', 'vip'] });
    await write(3, { namespace: ['support', 'few'] });
    await write(8, { namespace: ['support', 'many'] });
    await write(1, { metadata: { order: 1 } });
    await write(1, { pinned: true });
    await write(2, { namespace: ['sales'] });
    clock.advance(31 * dayMs);
    await write(9, {});
    const { id } = await store.admin.access.retain({ at: ['support'], maxAgeDays: 30, then: 'consolidate' });
    const everything = await store.admin.count();
    const dry = (await store.lifecycle.run({ dryRun: true })).retention;
    const skipped = expect.arrayContaining([
      { reason: 'few', count: 3 },
      { reason: 'metadata', count: 1 },
    ]);
    const one = { id, at: ['support'], due: 15, forgotten: 0, consolidated: 11, skipped };
    expect(dry).toEqual([one]);
    expect(await store.admin.count()).toBe(everything);
    expect((await store.lifecycle.run({ dryRun: false })).retention).toEqual([one]);
    expect(await store.admin.count({ include: ['consolidated'], filter: { kind: 'episodic' } })).toBe(everything);
    expect(await store.admin.count({ filter: { kind: 'episodic' } })).toBe(everything - 11);
    expect(await store.admin.count({ filter: { kind: 'summary' } })).toBeGreaterThan(0);
    // What was consolidated is not due again.
    expect((await store.lifecycle.status()).retention).toMatchObject([{ id, retain: 'consolidate', due: 4 }]);
  });

  test('consolidates the oldest memories beyond a number', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock, access: [everybody] });
    for (let i = 0; i < 20; i++) {
      await store.admin.remember(`Parcel ${i} went to house ${i}.`, support);
      clock.advance(1);
    }
    await store.admin.access.retain({ at: ['support'], maxMemories: 10, then: 'consolidate' });
    const { retention } = await store.lifecycle.run({ dryRun: false });
    expect(retention).toMatchObject([{ due: 10, consolidated: 10, skipped: [] }]);
    const left = (await store.admin.list({ filter: { kind: 'episodic' }, order: 'oldest' })).items;
    expect(left.map(({ text }) => text)).toContain('Parcel 10 went to house 10.');
    expect(left).toHaveLength(10);
  });

  test('is in the export of a subject, as far as the handle may see it', async () => {
    const clock = fakeClock();
    const number = retain({ at: [], maxMemories: 9, then: 'consolidate' });
    const store = await openInMemory({ clock, access: [everybody, ninety, number] });
    const expiresAt = new Date(clock.now() + dayMs);
    for (const options of [{}, { expiresAt }, { pinned: true }, { namespace: ['sales'] }])
      await store.admin.remember('A parcel.', { ...support, userId: 'kim', ...options });
    const exported = async (handle: MemoryHandle) =>
      (await all(handle.exportSubject({ userId: 'kim' }))).flatMap((each) =>
        each.line === 'memory' ? [each.retention] : [],
      );
    const byRetention = { until: new Date(clock.now() + 90 * dayMs), by: 'retention', isPinned: false };
    const byExpiry = { until: expiresAt, by: 'expiresAt', isPinned: false };
    const rules = [
      expect.objectContaining({ ...ninety, id: expect.any(String) }),
      expect.objectContaining({ ...number, id: expect.any(String) }),
    ];
    expect(await exported(store.admin)).toEqual([
      { ...byRetention, rules },
      { ...byExpiry, rules },
      { isPinned: true, rules: [] },
      { isPinned: false, rules: rules.slice(1) },
    ]);
    expect(await exported(store.as({ agentId: 'a' }))).toEqual([
      { ...byRetention, rules: [] },
      { ...byExpiry, rules: [] },
      { isPinned: true, rules: [] },
      { isPinned: false, rules: [] },
    ]);
  });

  test('needs a limit, and every other issue is reported with it', async () => {
    const { admin } = await openInMemory();
    const none = { at: 'support', then: 'forget' } as never;
    expect((await issuePaths(() => admin.access.retain(none))).sort()).toEqual(['at', 'maxAgeDays']);
    const zero = { at: [], maxMemories: 0, then: 'forget' } as const;
    expect(await issuePaths(() => admin.access.retain(zero))).toEqual(['maxMemories']);
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
