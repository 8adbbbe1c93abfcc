import {
  allow,
  ceiling,
  type Memory,
  type MemoryHandle,
  MemoryStore,
  type RuleInForce,
  type Selection,
} from 'multi-agent-memory';
import { afterEach, describe, expect, it } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';

const namespace = ['a'];
const stores: MemoryStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function openStore(): Promise<MemoryStore> {
  const store = await MemoryStore.inMemory({
    access: [
      allow('everyone', ['read', 'write', 'update', 'forget'], ['a']),
      allow({ agentId: 'judge' }, ['endorse'], ['a']),
      ceiling({ agentId: 'scout' }, 'reported', []),
      ceiling({ agentId: 'liar' }, 'untrusted', []),
    ],
  });
  stores.push(store);
  return store;
}

/** Stores one memory of each author, and returns the text of each. */
async function seed(store: MemoryStore): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const who of ['ann', 'scout', 'liar']) {
    const { id } = await store.as({ agentId: who }).remember(`The well is deep, says ${who}.`, { namespace });
    ids[who] = id;
  }
  ids.root = (await store.admin.remember('The well is deep, says root.', { namespace })).id;
  return ids;
}

type Authors = readonly string[];

const authorsOf = (memories: readonly Pick<Memory, 'text'>[]): Authors =>
  memories.map(({ text }) => text.replace(/.* (\w+)\.$/, '$1')).sort();

/** What every kind of read of a handle returns: they must agree. */
async function seenBy(
  handle: MemoryHandle,
  ids: Record<string, string>,
  selection: Selection = {},
  isHost = false,
): Promise<Authors> {
  const listed = authorsOf((await handle.list(selection)).items);
  const filtered = await handle.list({ ...selection, filter: { text: { contains: 'eep' } } });
  const recalled = [
    ...(await Promise.all(
      (['keyword', 'semantic', 'hybrid'] as const).map((mode) =>
        handle.recall('how deep is the well', { ...selection, mode }),
      ),
    )),
  ];
  for (const hits of recalled) expect(authorsOf(hits)).toEqual(listed);
  expect(authorsOf(filtered.items)).toEqual(listed);
  expect(await handle.count(selection)).toBe(listed.length);
  if (Object.keys(selection).length > 0) return listed;
  const counts = await handle.namespaces();
  expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(listed.length);
  expect((await handle.stats()).memories).toBe(listed.length);
  // By id, the host finds everything.
  if (isHost) return listed;
  const got = await Promise.all(Object.values(ids).map((id) => handle.get(id)));
  expect(authorsOf(got.filter((each) => each !== undefined))).toEqual(listed);
  for (const id of Object.values(ids)) {
    const isListed = got.some((each) => each?.id === id);
    expect(await handle.history(id)).toHaveLength(isListed ? 1 : 0);
  }
  return listed;
}

describe('reads', () => {
  it('leave out what is less trusted than the handle or the call asks for', async () => {
    const store = await openStore();
    const ids = await seed(store);
    const ann = store.as({ agentId: 'ann' });
    expect(await seenBy(ann, ids)).toEqual(['ann', 'root', 'scout']);
    expect(await seenBy(store.admin, ids, {}, true)).toEqual(['ann', 'root', 'scout']);
    expect(await seenBy(store.as({ agentId: 'liar' }), ids)).toEqual(['ann', 'root', 'scout']);
    expect(await seenBy(ann, ids, { minTrust: 'standard' })).toEqual(['ann', 'root']);
    expect(await seenBy(ann.within({ minTrust: 'standard' }), ids)).toEqual(['ann', 'root']);
    expect(await seenBy(ann.within({ minTrust: 'standard' }), ids, { minTrust: 'reported' })).toEqual(['ann', 'root']);
    expect(await seenBy(ann, ids, { minTrust: 'verified' })).toEqual(['root']);
  });

  it('show what is untrusted only with `include`, and only to the host and to principals that may endorse', async () => {
    const store = await openStore();
    const ids = await seed(store);
    const all = { include: ['quarantined'] as const };
    const judge = store.as({ agentId: 'judge' });
    expect(await seenBy(store.admin, ids, all)).toEqual(['ann', 'liar', 'root', 'scout']);
    expect(await seenBy(judge, ids, all)).toEqual(['ann', 'liar', 'root', 'scout']);
    expect(await seenBy(store.as({ agentId: 'ann' }), ids, all)).toEqual(['ann', 'root', 'scout']);
    expect(await seenBy(judge, ids)).toEqual(['ann', 'root', 'scout']);
    expect(await seenBy(judge, ids, { ...all, minTrust: 'reported' })).toEqual(['ann', 'root', 'scout']);
    const listed: Authors[] = [];
    for await (const memory of judge.list({ ...all, limit: 1 })) {
      await store.admin.remember('Another one.', { namespace: ['b'], embed: false });
      listed.push(authorsOf([memory]));
    }
    expect(listed.flat().sort()).toEqual(['ann', 'liar', 'root', 'scout']);
  });

  it('follow a change of a ceiling at once, also with a running watch', async () => {
    const store = await openStore();
    const ids = await seed(store);
    const ann = store.as({ agentId: 'ann' });
    const judge = store.as({ agentId: 'judge' });
    const steps: [() => Promise<unknown>, Authors][] = [];
    let rule: RuleInForce | undefined;
    const { access } = store.admin;
    steps.push([() => access.ceiling({ channel: 'agent' }, 'untrusted', ['a']).then((added) => (rule = added)), []]);
    steps.push([() => access.end((rule as RuleInForce).id), ['ann', 'root', 'scout']]);
    steps.push([() => access.ceiling({ agentId: 'ann' }, 'untrusted', ['a']), ['root', 'scout']]);
    for (const [change, expected] of steps) {
      await change();
      expect(await seenBy(ann, ids)).toEqual(expected);
      expect(await seenBy(judge, ids)).toEqual(expected);
    }
    const seen: Authors[] = [];
    const watched = ann.watch({ since: 'start', signal: AbortSignal.timeout(300) });
    for await (const { memory } of watched) seen.push(authorsOf(memory === undefined ? [] : [memory]));
    expect(seen.flat().sort()).toEqual(['root', 'scout']);
  });

  it('leave out what was made from something that is untrusted now, and show it again', async () => {
    const store = await openStore();
    const ids = await seed(store);
    const made = await store.admin.remember('It is deep, says made.', { namespace, derivedFrom: [ids.ann as string] });
    const again = await store.admin.remember('It is deep, says again.', { namespace, derivedFrom: [made.id] });
    Object.assign(ids, { made: made.id, again: again.id });
    const scout = store.as({ agentId: 'scout' });
    const before = await seenBy(scout, ids, { minTrust: 'reported' });
    const { id } = await store.admin.access.ceiling({ agentId: 'ann' }, 'untrusted', []);
    expect(authorsOf((await scout.list()).items)).toEqual(['root', 'scout']);
    expect(await scout.get(again.id)).toBeUndefined();
    await store.admin.access.end(id);
    expect(await seenBy(scout, ids, { minTrust: 'reported' })).toEqual(before);
  });

  it('never name an untrusted memory in a link or a filter about links', async () => {
    const store = await openStore();
    const { id: old } = await store.as({ agentId: 'bob' }).remember('The well is dry.', { namespace });
    const ann = store.as({ agentId: 'ann' });
    const { id } = await ann.remember('The well is deep.', { namespace, supersedes: old });
    expect((await ann.get(id))?.supersedes).toBe(old);
    await store.admin.access.ceiling({ agentId: 'bob' }, 'untrusted', []);
    expect((await ann.get(id))?.supersedes).toBeUndefined();
    expect(await ann.count({ filter: { supersedes: old } })).toBe(0);
    await expect(ann.remember('More.', { namespace, derivedFrom: [old] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('reject the least trust "untrusted"', async () => {
    const store = await openStore();
    const wrong = { minTrust: 'untrusted' } as unknown as Selection;
    await expect(store.admin.count(wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(store.admin.forgetWhere({ minTrust: 'standard' }, { dryRun: true })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('an author', () => {
  it('may revise and forget its own untrusted memories, which no read shows it', async () => {
    const store = await openStore();
    const liar = store.as({ agentId: 'liar' });
    const { id } = await liar.remember('The well is dry.', { namespace });
    expect((await liar.update(id, { text: 'The well is deep.' })).revision).toBe(2);
    expect(await liar.get(id)).toBeUndefined();
    await expect(store.as({ agentId: 'ann' }).update(id, { priority: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.as({ agentId: 'ann' }).forget(id)).toBe(false);
    expect(await liar.forget(id)).toBe(true);
  });
});

it('a read-only process and a store that is opened again see the same trust', async () => {
  const folder = await temporaryFolder();
  const access = [allow('everyone', 'writer', ['a'])];
  const store = await openFolder(folder, { access });
  const reader = await openFolder(folder, { readOnly: true });
  const { id } = await store.as({ agentId: 'ann' }).remember('The well is deep, says ann.', { namespace });
  const { id: made } = await store.admin.remember('Deep, says made.', { namespace, derivedFrom: [id] });
  const seen = async ({ admin }: MemoryStore) => [(await admin.get(made))?.trust, await admin.count()];
  expect(await seen(reader)).toEqual(['standard', 2]);
  await store.admin.access.ceiling({ agentId: 'ann' }, 'untrusted', []);
  expect(await seen(reader)).toEqual(['untrusted', 0]);
  await reader.close();
  await store.close();
  const again = await openFolder(folder);
  expect(await seen(again)).toEqual(['untrusted', 0]);
  expect(await again.admin.count({ include: ['quarantined'] })).toBe(2);
});
