import { allow, ceiling, type Memory, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, it } from 'vitest';

const namespace = ['a'];
const stores: MemoryStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function openStore(): Promise<MemoryStore> {
  const store = await MemoryStore.inMemory({
    access: [allow('everyone', 'curator', ['a']), ceiling({ agentId: 'scout' }, 'reported', [])],
  });
  stores.push(store);
  return store;
}

async function write(handle: MemoryHandle, options: object = {}, text = 'The well is deep.'): Promise<string> {
  return (await handle.remember(text, { namespace, embed: false, ...options })).id;
}

async function trustOf({ admin }: MemoryStore, id: string): Promise<Memory['trust'] | undefined> {
  return (await admin.get(id))?.trust;
}

describe('the trust of a memory that was made from others', () => {
  it('is never higher than theirs, over several steps', async () => {
    const store = await openStore();
    const [ann, scout] = [store.as({ agentId: 'ann' }), store.as({ agentId: 'scout' })];
    const reported = await write(scout);
    const standard = await write(ann);
    const made = await write(ann, { derivedFrom: [standard, reported, reported] });
    const again = await write(store.admin, { derivedFrom: [made] });
    expect(await trustOf(store, made)).toBe('reported');
    expect(await trustOf(store, again)).toBe('reported');
    expect(await trustOf(store, await write(store.admin, { derivedFrom: [standard] }))).toBe('standard');
  });

  it('follows a source that becomes less trusted, even after that source and those between were forgotten', async () => {
    const store = await openStore();
    const first = await write(store.as({ agentId: 'bob' }));
    const between = await write(store.admin, { derivedFrom: [first] });
    const last = await write(store.admin, { derivedFrom: [between] });
    for (const id of [first, between]) await store.admin.forget(id);
    expect(await trustOf(store, last)).toBe('standard');
    const { id } = await store.admin.access.ceiling({ agentId: 'bob' }, 'reported', []);
    expect(await trustOf(store, last)).toBe('reported');
    await store.admin.access.end(id);
    expect(await trustOf(store, last)).toBe('standard');
  });

  it('ends its search for sources if revisions with keys make them a circle', async () => {
    const store = await openStore();
    const one = await write(store.admin, { key: 'one' });
    const other = await write(store.admin, { derivedFrom: [one] });
    await write(store.admin, { key: 'one', derivedFrom: [other, one] });
    expect([await trustOf(store, one), await trustOf(store, other)]).toEqual(['verified', 'verified']);
  });
});

describe('the trust of a memory that others have changed', () => {
  it('is never higher than the ceiling of anybody who changed it, when it was changed and now', async () => {
    const store = await openStore();
    const [ann, bob] = [store.as({ agentId: 'ann' }), store.as({ agentId: 'bob' })];
    const updated = await write(ann);
    const shared = await write(ann);
    const keyed = await write(ann, { key: 'well' });
    await bob.update(updated, { text: 'The well is dry.' });
    await bob.share(shared, { accessTags: [] });
    await write(bob, { key: 'well' }, 'The well is dry.');
    const { id } = await store.admin.access.ceiling({ agentId: 'bob' }, 'reported', []);
    for (const each of [updated, shared, keyed]) expect(await trustOf(store, each)).toBe('reported');
    await store.admin.access.end(id);
    for (const each of [updated, shared, keyed]) expect(await trustOf(store, each)).toBe('standard');
  });

  it('stays as low as its author was when it wrote the revision', async () => {
    const store = await openStore();
    const { id: rule } = await store.admin.access.ceiling({ agentId: 'bob' }, 'reported', []);
    const bob = store.as({ agentId: 'bob' });
    const id = await write(bob, { key: 'well' });
    await store.admin.access.end(rule);
    await write(bob, { key: 'well' }, 'The well is dry.');
    expect(await trustOf(store, id)).toBe('reported');
  });
});

describe('derivedFrom', () => {
  it('refuses the whole write if the writer may not read one of the sources', async () => {
    const store = await openStore();
    await store.admin.access.deny({ agentId: 'ann' }, ['read'], ['a', 'secret']);
    const secret = await write(store.admin, { namespace: ['a', 'secret'] });
    const forgotten = await write(store.admin);
    await store.admin.forget(forgotten);
    const ann = store.as({ agentId: 'ann' });
    for (const source of [secret, forgotten, '01890000-0000-7000-8000-000000000000']) {
      await expect(write(ann, { derivedFrom: [source] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      const many = ann.rememberMany(
        [
          { text: 'a', namespace },
          { text: 'b', namespace, derivedFrom: [source] },
        ],
        {
          atomic: true,
        },
      );
      await expect(many).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await ann.count()).toBe(0);
  });

  it('takes up to 256 ids', async () => {
    const store = await openStore();
    const ids = Array.from({ length: 257 }, (_, i) => `id-${i}`);
    await expect(write(store.admin, { derivedFrom: ids })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(write(store.admin, { derivedFrom: ['id', 7] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is a part of the content that an idempotency key stands for', async () => {
    const store = await openStore();
    const [one, other] = [await write(store.admin), await write(store.admin)];
    await write(store.admin, { idempotencyKey: 'k', derivedFrom: [one] });
    const again = write(store.admin, { idempotencyKey: 'k', derivedFrom: [other] });
    await expect(again).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });
});
