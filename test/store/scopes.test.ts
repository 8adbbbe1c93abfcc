import type { MemoryHandle, Scope } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openInMemory, take } from './stores';

const agent = { agentId: 'billing' };

/** One memory inside each bound and one outside of it, written without bounds by the same agent. */
const bounds: { scope: Scope; inside: object; outside: object }[] = [
  { scope: { namespace: ['a'] }, inside: { namespace: ['a'] }, outside: { namespace: ['b'] } },
  { scope: { namespace: ['a'] }, inside: { namespace: ['a', 'deep', 'er'] }, outside: { namespace: ['ab'] } },
  { scope: { namespace: ['a', 'b'] }, inside: { namespace: ['a', 'b'] }, outside: { namespace: ['a'] } },
  { scope: { userId: 'u1' }, inside: { userId: 'u1' }, outside: { userId: 'u2' } },
  { scope: { userId: 'u1' }, inside: { userId: 'u1' }, outside: {} },
  { scope: { sessionId: 's1' }, inside: { sessionId: 's1' }, outside: { sessionId: 's2' } },
  { scope: { tags: ['x', 'y'] }, inside: { tags: ['y', 'z', 'x'] }, outside: { tags: ['x'] } },
  { scope: { tags: ['x'] }, inside: { tags: ['x'] }, outside: {} },
];

describe.each(bounds)('inside the scope $scope', ({ scope, inside, outside }) => {
  async function opened() {
    const store = await openInMemory();
    const wide = store.as(agent);
    const own = await wide.remember('the refund was paid', { namespace: ['a'], ...inside, key: 'in' });
    const other = await wide.remember('the refund was paid', { namespace: ['a'], ...outside, key: 'out' });
    return { wide, own: own.id, other: other.id, handle: store.as(agent, scope) };
  }

  test('every read sees only memories in the scope', async () => {
    const { handle, own, other } = await opened();
    const within = (await handle.get(own))?.namespace ?? [];
    const beyond = { namespace: ['a'], ...outside }.namespace;
    expect((await handle.get(own))?.id).toBe(own);
    expect(await handle.get(other)).toBeUndefined();
    expect((await handle.get({ namespace: within, key: 'in' }))?.id).toBe(own);
    expect(await handle.get({ namespace: beyond, key: 'out' })).toBeUndefined();
    expect(await handle.count()).toBe(1);
    expect((await handle.list()).items.map(({ id }) => id)).toEqual([own]);
    expect((await all(handle.list({ order: 'oldest' }))).map(({ id }) => id)).toEqual([own]);
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      expect((await handle.recall('refund', { mode })).map(({ id }) => id)).toEqual([own]);
    }
    expect(await handle.history(own)).toHaveLength(1);
    expect(await handle.history(other)).toEqual([]);
    expect((await take(handle.watch({ since: 'start' }), 1)).map(({ id }) => id)).toEqual([own]);
    expect(await handle.forgetWhere({ filter: { kind: 'episodic' } }, { dryRun: true })).toEqual({
      matched: 1,
      forgotten: 0,
      ids: [own],
    });
  });

  test('a selection can narrow the scope and never widens it', async () => {
    const { handle, own } = await opened();
    expect(await handle.count(scope)).toBe(1);
    for (const word of ['userId', 'sessionId', 'agentId'] as const) {
      expect(await handle.count({ [word]: 'nobody' })).toBe(0);
      expect(await handle.recall('refund', { [word]: 'nobody' })).toEqual([]);
    }
    expect(await handle.count({ tags: ['x', 'nowhere'] })).toBe(0);
    expect(await handle.count({ namespace: ['nowhere'] })).toBe(0);
    // Wider than the handle: the handle's own bound stays.
    expect(await handle.count({ namespace: [] })).toBe(1);
    expect((await handle.recall('refund', { namespace: [] })).map(({ id }) => id)).toEqual([own]);
  });

  test('changes to memories outside the scope are rejected with NOT_FOUND', async () => {
    const { wide, handle, other } = await opened();
    const before = await wide.get(other);
    expect(await codeOf(() => handle.update(other, { priority: 1 }))).toBe('NOT_FOUND');
    expect(await handle.forget(other)).toBe(false);
    expect(await codeOf(() => handle.remember('newer', { namespace: ['a'], ...inside, supersedes: other }))).toBe(
      'NOT_FOUND',
    );
    expect(await wide.get(other)).toEqual(before);
    expect(await wide.count()).toBe(2);
  });

  test('a write with the key of a memory outside the scope does not revise that memory', async () => {
    const { wide, handle, other } = await opened();
    const before = await wide.get(other);
    const namespace = before?.namespace ?? [];
    // With the handle's own words filled in, this would be the same key in the same namespace.
    await codeOf(() => handle.remember('overwritten', { namespace, key: 'out' }));
    expect(await wide.get(other)).toEqual(before);
  });

  test('a write outside the scope is rejected with FORBIDDEN and stores nothing', async () => {
    const { wide, handle } = await opened();
    const words = { namespace: ['a'], ...outside };
    const named = Object.keys(scope).every((word) => word in words && word !== 'tags');
    if (named) expect(await codeOf(() => handle.remember('outside', words))).toBe('FORBIDDEN');
    expect(await wide.count()).toBe(2);
  });

  test('a write without a field that the scope has gets this field from the scope', async () => {
    const { wide, handle } = await opened();
    const { id } = await handle.remember('by default', 'namespace' in scope ? {} : { namespace: ['a'] });
    expect(await handle.get(id)).toMatchObject(
      scope.tags === undefined ? scope : { tags: expect.arrayContaining([...scope.tags]) },
    );
    expect(await wide.count()).toBe(3);
  });
});

describe('the agentId of a scope', () => {
  test('limits reads to memories that this agent wrote, alone or on behalf of a user', async () => {
    const store = await openInMemory();
    const { id: own } = await store.as(agent).remember('one', { namespace: ['a'] });
    const { id: paired } = await store
      .as({ ...agent, onBehalfOf: { userId: 'u1' } })
      .remember('two', { namespace: ['a'] });
    const { id: other } = await store.as({ agentId: 'returns' }).remember('three', { namespace: ['a'] });
    await store.as({ userId: 'billing' }).remember('four', { namespace: ['a'] });
    await store.admin.remember('five', { namespace: ['a'] });
    const reader = store.as({ agentId: 'returns' }, { agentId: 'billing' });
    expect((await all(reader.list({ order: 'oldest' }))).map(({ id }) => id)).toEqual([own, paired]);
    expect(await reader.get(other)).toBeUndefined();
    expect(await reader.count()).toBe(2);
  });

  test('rejects writes by another agent', async () => {
    const store = await openInMemory();
    const handle = store.as(agent, { namespace: ['a'], agentId: 'returns' });
    expect(await codeOf(() => handle.remember('in the name of another'))).toBe('FORBIDDEN');
    expect(await store.admin.count()).toBe(0);
  });
});

describe('within', () => {
  async function handles(): Promise<MemoryHandle> {
    const store = await openInMemory();
    return store.as(agent, { namespace: ['a'], userId: 'u1', tags: ['x'] });
  }

  test('adds its fields to the scope of its handle', async () => {
    const handle = (await handles()).within({ namespace: ['a', 'b'], sessionId: 's1', tags: ['y'] });
    const { id } = await handle.remember('text');
    expect(await handle.get(id)).toMatchObject({
      namespace: ['a', 'b'],
      userId: 'u1',
      sessionId: 's1',
      tags: ['x', 'y'],
    });
  });

  test('keeps the narrower of the two namespaces', async () => {
    const handle = (await handles()).within({ namespace: [] });
    const { id } = await handle.remember('text');
    expect((await handle.get(id))?.namespace).toEqual(['a']);
  });

  test.each<Scope>([{ namespace: ['b'] }, { namespace: ['ab'] }, { userId: 'u2' }])(
    'rejects %j, which is outside the scope',
    async (scope) => {
      const handle = await handles();
      expect(await codeOf(() => handle.within(scope))).toBe('INVALID_INPUT');
    },
  );

  test('rejects an undefined field and an unknown one', async () => {
    const handle = await handles();
    expect(await issuePaths(() => handle.within({ sessionId: undefined, user: 'u1' } as never))).toEqual([
      'sessionId',
      'user',
    ]);
  });

  test('can be called repeatedly, and does not change the original handle', async () => {
    const handle = await handles();
    await handle.remember('one', { sessionId: 's1' });
    await handle.remember('two', { sessionId: 's2' });
    expect(
      await handle
        .within({ sessionId: 's1' })
        .within({ tags: ['x'] })
        .count(),
    ).toBe(1);
    expect(await handle.count()).toBe(2);
  });
});

describe('an update through a handle', () => {
  test('that would move a memory out of the scope is rejected and writes nothing', async () => {
    const store = await openInMemory();
    const handle = store.as(agent, { namespace: ['a'], tags: ['x'] });
    const { id } = await handle.remember('text');
    expect(await codeOf(() => handle.update(id, { tags: ['y'] }))).toBe('FORBIDDEN');
    expect(await codeOf(() => handle.update(id, { tags: null }))).toBe('FORBIDDEN');
    expect(await handle.get(id)).toMatchObject({ revision: 1, tags: ['x'] });
  });
});

test('a memory is rejected if neither the handle nor the call has a namespace', async () => {
  const store = await openInMemory();
  expect(await issuePaths(() => store.as(agent).remember('text'))).toEqual(['namespace']);
  expect(await issuePaths(() => store.admin.remember('text'))).toEqual(['namespace']);
  expect(await store.admin.count()).toBe(0);
});

test('a handle has the property `scope`', async () => {
  const store = await openInMemory();
  expect(store.admin.scope).toEqual({});
  const handle = store.as(agent, { namespace: ['a'], tags: ['x'] }).within({ namespace: ['a', 'b'], userId: 'u1' });
  expect(handle.scope).toEqual({ namespace: ['a', 'b'], tags: ['x'], userId: 'u1' });
  // A copy: nobody widens a handle by it.
  (handle.scope.namespace as string[]).length = 0;
  expect(await codeOf(() => handle.remember('elsewhere', { namespace: ['c'] }))).toBe('FORBIDDEN');
});
