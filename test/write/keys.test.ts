import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { codeOf, openInMemory } from '../store/stores';

const namespace = ['support'];

describe('a key', () => {
  test('identifies one memory in its namespace: writing it again makes a new revision', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const agent = store.as({ agentId: 'billing' }, { namespace });
    const first = await agent.remember('Pays by card.', { key: 'payment', tags: ['old'], metadata: { card: '0921' } });
    clock.advance(1_000);
    const second = await agent.remember('Pays by invoice.', { key: 'payment', priority: 0.9, tags: ['new'] });
    expect(first).toEqual({ id: first.id, revision: 1, outcome: 'stored' });
    expect(second).toEqual({ id: first.id, revision: 2, outcome: 'revised' });
    const memory = await agent.get({ namespace, key: 'payment' });
    // The new revision has the written fields, and keeps nothing of the earlier revision except createdAt.
    expect(memory).toMatchObject({ id: first.id, revision: 2, text: 'Pays by invoice.', priority: 0.9, tags: ['new'] });
    expect(memory?.metadata).toEqual({});
    expect(memory?.updatedAt.getTime()).toBe((memory?.createdAt.getTime() ?? 0) + 1_000);
    expect(memory?.validFrom).toEqual(memory?.updatedAt);
    expect(await agent.count()).toBe(1);
    expect(await agent.count({ tags: ['old'] })).toBe(0);
    expect(await agent.recall('card', { mode: 'keyword' })).toEqual([]);
    expect(await agent.recall('invoice', { mode: 'keyword' })).toHaveLength(1);
  });

  test('identifies different memories in different namespaces, even if one namespace contains the other', async () => {
    const store = await openInMemory();
    const ids = new Set<string>();
    for (const at of [['a'], ['a', 'b'], ['b'], ['a', 'b', 'c']]) {
      const { id, outcome } = await store.admin.remember('text', { namespace: at, key: 'k' });
      expect(outcome).toBe('stored');
      expect((await store.admin.get({ namespace: at, key: 'k' }))?.id).toBe(id);
      ids.add(id);
    }
    expect(ids.size).toBe(4);
    expect(await store.admin.get({ namespace: [], key: 'k' })).toBeUndefined();
  });

  test('is compared character by character', async () => {
    const store = await openInMemory();
    const keys = ['k', 'K', ' k', 'k ', "k'--", '\u1e31', 'k\u200b', 'k"', '__proto__', '%', '😀', '1', '01'];
    for (const key of keys) await store.admin.remember(`text of ${key}`, { namespace, key });
    expect(await store.admin.count()).toBe(keys.length);
    for (const key of keys) {
      expect((await store.admin.get({ namespace, key }))?.text).toBe(`text of ${key}`);
      expect(await store.admin.count({ filter: { key } })).toBe(1);
    }
  });

  test('can be used again after forget; the next write stores a new memory with a new id', async () => {
    const store = await openInMemory();
    const first = await store.admin.remember('one', { namespace, key: 'k' });
    await store.admin.forget(first.id);
    expect(await store.admin.get({ namespace, key: 'k' })).toBeUndefined();
    const second = await store.admin.remember('two', { namespace, key: 'k' });
    expect(second.outcome).toBe('stored');
    expect(second.id).not.toBe(first.id);
    expect(await store.admin.get(first.id)).toBeUndefined();
  });

  test('makes a superseded memory active again when a memory is written with its key', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('one', { namespace, key: 'k' });
    await store.admin.remember('two', { namespace, supersedes: id });
    expect(await store.admin.remember('three', { namespace, key: 'k' })).toMatchObject({ id, revision: 3 });
    const memory = await store.admin.get(id);
    expect(memory).toMatchObject({ state: 'active', text: 'three' });
    expect(memory).not.toHaveProperty('supersededBy');
    expect(memory).not.toHaveProperty('validTo');
    expect(await store.admin.count()).toBe(2);
  });

  test('makes an expired memory active again when a memory is written with its key, without the old expiry', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const { id } = await store.admin.remember('one', { namespace, key: 'k', expiresAt: clock.now() + 10 });
    clock.advance(20);
    expect(await store.admin.get({ namespace, key: 'k' })).toBeUndefined();
    expect(await store.admin.remember('two', { namespace, key: 'k' })).toMatchObject({ id, outcome: 'revised' });
    expect(await store.admin.count()).toBe(1);
  });

  test('cannot be combined with `supersedes` for the same memory', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('one', { namespace, key: 'k' });
    expect(await codeOf(() => store.admin.remember('two', { namespace, key: 'k', supersedes: id }))).toBe(
      'INVALID_INPUT',
    );
    expect(await store.admin.get(id)).toMatchObject({ revision: 1, state: 'active', text: 'one' });
  });

  test('leads to one memory with many revisions if many callers write with the key at once', async () => {
    const store = await openInMemory();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => store.admin.remember(`text ${i}`, { namespace, key: 'k' })),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.map(({ revision }) => revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    expect(answers.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
    const history = await store.admin.history(answers[0]?.id ?? '');
    expect(history.map(({ revision }) => revision)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  test('identifies one shared memory, and a separate private memory of each author', async () => {
    const store = await openInMemory();
    const one = store.as({ agentId: 'one' }, { namespace });
    const two = store.as({ agentId: 'two' }, { namespace });
    await one.remember('shared', { key: 'k' });
    await one.remember('private of one', { key: 'k', visibility: 'private' });
    await two.remember('private of two', { key: 'k', visibility: 'private' });
    expect(await store.admin.count()).toBe(3);
    expect((await one.get({ namespace, key: 'k' }))?.text).toBe('private of one');
    expect((await two.get({ namespace, key: 'k' }))?.text).toBe('private of two');
    expect((await store.as({ agentId: 'three' }).get({ namespace, key: 'k' }))?.text).toBe('shared');
  });

  test('finds a readable memory even if an unreadable memory has the same key', async () => {
    const store = await openInMemory();
    await store.admin.remember('for the cleared', { namespace, key: 'k', accessTags: ['secret'] });
    const agent = store.as({ agentId: 'billing' }, { namespace });
    expect(await agent.get({ namespace, key: 'k' })).toBeUndefined();
    const { outcome } = await agent.remember('for all', { key: 'k' });
    expect(outcome).toBe('stored');
    expect((await agent.get({ namespace, key: 'k' }))?.text).toBe('for all');
  });
});

test('root finds private memories by key, but a shared memory with the same key first', async () => {
  const store = await openInMemory();
  const at = { namespace: ['n'], key: 'k' };
  const mine = await store.as({ agentId: 'a' }).remember('mine', { ...at, visibility: 'private' });
  expect(await store.admin.get(at)).toMatchObject({ id: mine.id });
  const shared = await store.as({ agentId: 'b' }).remember('shared', at);
  expect(await store.admin.get(at)).toMatchObject({ id: shared.id });
  expect(await store.as({ agentId: 'a' }).get(at)).toMatchObject({ id: mine.id });
  expect(await store.as({ agentId: 'c' }).get(at)).toMatchObject({ id: shared.id });
});
