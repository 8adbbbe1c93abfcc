import { allow, type Memory, type MemoryHandle, type Summarizer } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openFolder, openInMemory, openToAll, temporaryFolder } from '../store/stores';
import { held, oneFact, pairs } from './summarizers';

const namespace = ['support'];

async function rememberNotes(handle: MemoryHandle, count: number, options: object = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++)
    ids.push((await handle.remember(`note ${i} says that parcel ${i} was delivered`, { namespace, ...options })).id);
  return ids;
}

async function storeWithFacts(summarizer: Summarizer = pairs(), count = 8) {
  const store = await openInMemory();
  const alice = store.as({ agentId: 'alice' });
  const ids = await rememberNotes(alice, count);
  const result = await alice.consolidate({ namespace }, { dryRun: false, summarizer });
  const facts = inTextOrder((await alice.list({ filter: { kind: 'summary' } })).items);
  return { store, alice, ids, result, facts };
}

/** The facts of one group have the same time. */
function inTextOrder(memories: readonly Memory[]): Memory[] {
  return [...memories].sort((a, b) => (a.text < b.text ? -1 : 1));
}

const active = async (handle: MemoryHandle) => (await all(handle.list())).map(({ text }) => text).sort();
const statesOf = async (handle: MemoryHandle, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await handle.get(id))?.state));

describe('consolidate', () => {
  test('replaces memories by facts in ordinary reads, and keeps the memories', async () => {
    const { alice, ids, result, facts } = await storeWithFacts();
    expect(result).toMatchObject({ groups: 1, sources: 8, facts: 4, skipped: [], usage: { inputTokens: 0 } });
    expect(result.bytesAfter).toBeLessThan(result.bytesBefore / 2);
    expect(await active(alice)).toEqual(['note 0', 'note 2', 'note 4', 'note 6']);
    expect(await alice.count()).toBe(4);
    expect((await alice.recall('parcel delivered')).map(({ kind }) => kind)).toEqual(
      [...Array(4)].map(() => 'summary'),
    );
    expect(new Set(await statesOf(alice, ids))).toEqual(new Set(['consolidated']));
    expect(await alice.count({ include: ['consolidated'] })).toBe(12);
    expect(facts[0]).toMatchObject({ agentId: 'alice', source: { channel: 'consolidation', ref: 'pairs 1' } });
  });

  test('`sources` and `derived` lead from a fact to its memories and back', async () => {
    const { alice, ids, facts } = await storeWithFacts();
    const [fact] = facts;
    expect((await alice.sources(fact?.id ?? '')).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect((await alice.derived(ids[1] ?? '')).map(({ id }) => id)).toEqual([fact?.id]);
    expect(await alice.sources(ids[0] ?? '')).toEqual([]);
    expect(await alice.derived('unknown')).toEqual([]);
  });

  test('takes tags, times and priority from the sources of each fact', async () => {
    const store = await openInMemory({ clock: fakeClock() });
    const day = 24 * 60 * 60 * 1000;
    const at = Date.UTC(2030, 0, 1, 12);
    for (const i of [0, 1, 2, 3])
      await store.admin.remember(`a long note about day ${i}`, {
        namespace,
        tags: ['all', `tag-${i}`],
        priority: i / 10,
        validFrom: at - day * (4 - i),
        expiresAt: at + i * 1000,
        userId: 'u',
        sessionId: 's',
      });
    const summarizer = oneFact('fact', [1, 3]);
    await store.admin.consolidate({ namespace }, { dryRun: false, minSources: 4, summarizer });
    const [fact] = (await store.admin.list()).items;
    expect(fact).toMatchObject({ tags: ['all', 'tag-0', 'tag-2'], priority: 0.2, userId: 'u', sessionId: 's' });
    expect(fact?.validFrom).toEqual(new Date(at - day * 2));
    expect(fact?.expiresAt).toEqual(new Date(at));
  });

  test('a read with `asOf` before a fact returns its sources', async () => {
    const { alice, facts } = await storeWithFacts();
    const [first] = facts;
    const asOf = (first?.validFrom.getTime() ?? 0) - 1;
    expect(await alice.count({ asOf })).toBeLessThan(8);
    expect(await alice.count({ asOf: Date.now() + 1000 })).toBe(12);
  });

  test('never mixes namespaces, access tags, subjects, private memories, kinds or sessions', async () => {
    const store = await openInMemory();
    const [alice, bob] = [store.as({ agentId: 'alice' }), store.as({ agentId: 'bob' })];
    const groups: [MemoryHandle, object][] = [
      [alice, {}],
      [alice, { namespace: ['support', 'vip'] }],
      [alice, { userId: 'u' }],
      [alice, { sessionId: 's' }],
      [alice, { visibility: 'private' }],
      [bob, { visibility: 'private' }],
      [store.admin, { accessTags: ['secret'] }],
    ];
    for (const [handle, options] of groups) await rememberNotes(handle, 2, options);
    await rememberNotes(alice, 2, { kind: 'semantic' });
    const call = { dryRun: false, minSources: 2, summarizer: oneFact() };
    const { groups: made, skipped } = await store.admin.consolidate({}, call);
    expect(made).toBe(groups.length);
    expect(skipped).toEqual([{ reason: 'kind', count: 2 }]);
    expect(await bob.count({ filter: { kind: 'summary' } })).toBe(5);
    expect((await bob.list({ filter: { kind: 'summary', visibility: 'private' } })).items).toMatchObject([
      { agentId: 'bob', visibility: 'private' },
    ]);
  });

  test('leaves alone what has a key, metadata or an end, and what is too little', async () => {
    const store = await openInMemory();
    const { admin } = store;
    await rememberNotes(admin, 1, { key: 'k' });
    await rememberNotes(admin, 2, { metadata: { a: 1 } });
    await rememberNotes(admin, 3, { validFrom: new Date('2020-01-01'), validTo: new Date('2030-01-01') });
    await rememberNotes(admin, 7);
    const result = await admin.consolidate({ namespace }, { dryRun: false, summarizer: oneFact() });
    expect(result.groups).toBe(0);
    expect(Object.fromEntries(result.skipped.map(({ reason, count }) => [reason, count]))).toEqual({
      key: 1,
      metadata: 2,
      ended: 3,
      few: 7,
    });
  });

  test('leaves pinned memories alone until an update unpins them', async () => {
    const store = await openInMemory();
    const [id = ''] = await rememberNotes(store.admin, 1, { pinned: true });
    await rememberNotes(store.admin, 7);
    const call = { dryRun: false, minSources: 7, summarizer: oneFact() };
    expect(await store.admin.get(id)).toMatchObject({ pinned: true });
    expect((await store.admin.consolidate({}, call)).skipped).toEqual([{ reason: 'pinned', count: 1 }]);
    for (const [patch, pinned] of [
      [false, undefined],
      [true, true],
      [null, undefined],
    ] as const)
      expect((await store.admin.update(id, { pinned: patch })).pinned).toBe(pinned);
    expect((await store.admin.update(id, { priority: 1, pinned: true })).pinned).toBe(true);
    expect((await store.admin.history(id)).map(({ memory }) => memory?.pinned)).toEqual([
      ...[true, undefined, true, undefined, true],
    ]);
  });

  test('a dry run shows what would be done, and changes nothing', async () => {
    const store = await openInMemory();
    const ids = await rememberNotes(store.admin, 8);
    const call = { dryRun: true, summarizer: oneFact('fact', [1, 2]) };
    const { preview, facts } = await store.admin.consolidate({ namespace }, call);
    expect(facts).toBe(1);
    expect(preview).toEqual([{ sources: ids, facts: [{ text: 'fact', sources: ids.slice(0, 2) }] }]);
    expect(await store.admin.count()).toBe(8);
  });

  test('requires `consolidate`, and reads no memory that the principal may not read', async () => {
    const access = [allow('everyone', 'writer', namespace), allow({ agentId: 'curator' }, 'curator', namespace)];
    const store = await openInMemory({ access });
    await rememberNotes(store.admin, 8);
    await rememberNotes(store.admin, 8, { namespace: ['hidden'] });
    const call = { dryRun: false, summarizer: oneFact() };
    expect((await store.as({ agentId: 'writer' }).consolidate({}, call)).skipped).toEqual([
      { reason: 'forbidden', count: 8 },
    ]);
    expect(await store.as({ agentId: 'curator' }).consolidate({}, call)).toMatchObject({ groups: 1, skipped: [] });
    const [fact] = (await store.admin.list({ namespace, filter: { kind: 'summary' } })).items;
    const undo = () => store.as({ agentId: 'writer' }).undoConsolidation(fact?.id ?? '');
    expect(await codeOf(undo)).toBe('FORBIDDEN');
  });

  test('stores nothing of a summary that is wrong, and loses no source', async () => {
    const store = await openInMemory();
    await rememberNotes(store.admin, 8);
    const answers: readonly [string, unknown][] = [
      ['failed', undefined],
      ['failed', { facts: 'all is well' }],
      ['failed', { facts: [{ text: ' ', from: [1] }] }],
      ['failed', { facts: [{ text: 'fact', from: [] }] }],
      ['failed', { facts: [{ text: 'fact', from: [9] }] }],
      ['no-facts', { facts: [] }],
      ['not-shorter', { facts: [{ text: 'x'.repeat(1_000), from: [1] }] }],
    ];
    for (const [reason, answer] of answers) {
      const summarizer: Summarizer = { ...oneFact(), summarize: async () => answer as never };
      const { skipped, groups } = await store.admin.consolidate({}, { dryRun: false, summarizer });
      expect([groups, skipped]).toEqual([0, [{ reason, count: 8 }]]);
    }
    expect(await store.admin.count()).toBe(8);
  });

  test('makes a group again if one of its memories has changed while the summarizer worked', async () => {
    const store = await openInMemory();
    const ids = await rememberNotes(store.admin, 9);
    const { summarizer, groups, arrived, release } = held();
    const running = store.admin.consolidate({}, { dryRun: false, summarizer });
    await arrived;
    await store.admin.forget(ids[3] ?? '');
    release();
    expect(await running).toMatchObject({ groups: 1, sources: 8, skipped: [] });
    expect(groups.map(({ sources }) => sources.length)).toEqual([9, 8]);
  });

  test('makes facts from facts, three levels high', async () => {
    const store = await openInMemory();
    await rememberNotes(store.admin, 16);
    const call = { dryRun: false, minSources: 1, ratio: 1, facts: true };
    const levels: number[] = [];
    for (const words of [5, 4, 3, 2]) {
      const { facts, skipped } = await store.admin.consolidate({}, { ...call, summarizer: pairs(words) });
      levels.push(facts);
      if (facts === 0) expect(skipped).toEqual([{ reason: 'depth', count: 2 }]);
    }
    expect(levels).toEqual([8, 4, 2, 0]);
  });

  test('reports every invalid argument at once', async () => {
    const store = await openInMemory();
    const options = { ratio: 2, minSources: 0, groupBy: ['week'], summarizer: { name: 'x' }, dryRun: 'no' };
    const paths = await issuePaths(() => store.admin.consolidate({ userId: undefined } as never, options as never));
    expect(paths).toEqual([
      'options.dryRun',
      'options.groupBy.0',
      'options.minSources',
      'options.ratio',
      'options.summarizer',
      'selection.userId',
    ]);
  });

  test('survives a restart', async () => {
    const folder = await temporaryFolder();
    const first = await openFolder(folder);
    const ids = await rememberNotes(first.admin, 8);
    await first.admin.consolidate({}, { dryRun: false, summarizer: pairs() });
    await first.close();
    const second = await openFolder(folder, { access: openToAll });
    const [fact] = inTextOrder((await second.admin.list()).items);
    expect((await second.admin.sources(fact?.id ?? '')).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect((await second.verify()).problems).toEqual([]);
  });
});

describe('a fact never outlives a change of its sources', () => {
  const changes: readonly [string, (handle: MemoryHandle, id: string) => Promise<unknown>, string | undefined][] = [
    ['update', (handle, id) => handle.update(id, { text: 'changed' }), 'active'],
    ['share', (handle, id) => handle.share(id, { accessTags: [], visibility: 'private' }), 'active'],
    ['forget', (handle, id) => handle.forget(id), undefined],
    ['supersede', (handle, id) => handle.remember('newer', { namespace, supersedes: id }), 'superseded'],
  ];
  test.each(changes)('after %s of a source, which makes the other sources active again', async (_, change, state) => {
    const { alice, ids, facts } = await storeWithFacts();
    await change(alice, ids[2] ?? '');
    expect(await alice.get(facts[1]?.id ?? '')).toBeUndefined();
    expect(await statesOf(alice, ids.slice(0, 6))).toEqual([
      ...['consolidated', 'consolidated', state, 'active', 'consolidated', 'consolidated'],
    ]);
    expect(await alice.derived(ids[3] ?? '')).toEqual([]);
  });

  test('after a fact was forgotten, its sources are active again', async () => {
    const { alice, ids, facts } = await storeWithFacts();
    await alice.forget(facts[0]?.id ?? '');
    expect(await statesOf(alice, ids.slice(0, 3))).toEqual(['active', 'active', 'consolidated']);
  });

  test('and all of it can be forgotten at once', async () => {
    const { alice } = await storeWithFacts();
    const { forgotten, matched } = await alice.forgetWhere({ namespace }, { dryRun: false });
    expect([matched, forgotten]).toEqual([12, 12]);
    expect(await alice.count({ include: ['consolidated'] })).toBe(0);
  });

  test('a source that no fact quotes comes back with the first fact, and changes without it', async () => {
    const { alice, ids, facts } = await storeWithFacts(oneFact('fact', [1, 2]));
    expect(await statesOf(alice, ids)).toEqual([...Array(8)].map(() => 'consolidated'));
    await alice.update(ids[7] ?? '', { text: 'changed' });
    expect((await alice.get(facts[0]?.id ?? ''))?.text).toBe('fact');
    expect(await statesOf(alice, ids.slice(6))).toEqual(['consolidated', 'active']);
    await alice.forget(ids[0] ?? '');
    expect(await statesOf(alice, ids)).toEqual([undefined, ...[...Array(7)].map(() => 'active')]);
  });

  test('if a newer memory has replaced the fact, it has replaced the sources too', async () => {
    const { alice, ids, facts } = await storeWithFacts();
    const { id: newer } = await alice.remember('newer', { namespace, supersedes: facts[0]?.id ?? '' });
    await alice.forget(ids[0] ?? '');
    expect(await alice.get(ids[1] ?? '')).toMatchObject({ state: 'superseded', supersededBy: newer });
  });
});

describe('undoConsolidation', () => {
  test('makes the sources active again as they were, and forgets the fact', async () => {
    const store = await openInMemory();
    const ids = await rememberNotes(store.admin, 8);
    const before = await active(store.admin);
    await store.admin.consolidate({}, { dryRun: false, summarizer: oneFact() });
    const [fact] = (await store.admin.list()).items;
    expect(await store.admin.undoConsolidation(fact?.id ?? '')).toEqual({ facts: [fact?.id], sources: ids });
    expect(await active(store.admin)).toEqual(before);
    expect(await codeOf(() => store.admin.undoConsolidation(fact?.id ?? ''))).toBe('NOT_FOUND');
    expect(await codeOf(() => store.admin.undoConsolidation(ids[0] ?? ''))).toBe('NOT_FOUND');
  });

  test('takes back the facts that share a source, and those that were made from the fact', async () => {
    const overlapping: Summarizer = {
      ...oneFact(),
      summarize: async ({ sources }) => ({
        facts: sources.slice(1).map(({ n }) => ({ text: `f${n}`, from: [n - 1, n] })),
      }),
    };
    const { alice, ids, facts } = await storeWithFacts(overlapping, 8);
    await alice.consolidate({}, { dryRun: false, facts: true, minSources: 1, summarizer: oneFact('f') });
    const undone = await alice.undoConsolidation(facts[3]?.id ?? '');
    expect(undone.facts).toHaveLength(8);
    expect(undone.sources).toEqual(ids);
  });
});
