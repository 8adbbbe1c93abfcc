import { allow, clear, type Declaration, type MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

const a = { agentId: 'a' };
const b = { agentId: 'b' };

const access: Declaration[] = [
  allow(a, 'curator', ['team']),
  allow(a, 'writer', ['public']),
  allow(a, ['write'], ['box']),
  allow(b, 'reader', ['team']),
  allow(b, 'reader', ['public']),
  clear(a, 'secret', ['team']),
  clear(b, 'secret', ['team']),
];

let store: MemoryStore;
beforeEach(async () => {
  store = await openInMemory({ access });
});

describe('share', () => {
  test('moves a memory as a new revision that watchers of the new namespace receive', async () => {
    const { id } = await store.as(a).remember('the plan', { namespace: ['team'], tags: ['x'] });
    const shared = await store.as(a).share(id, { namespace: ['public'] });
    expect(shared).toMatchObject({ id, namespace: ['public'], revision: 2, text: 'the plan', tags: ['x'] });
    expect(await store.as(b).get(id)).toEqual(shared);
    expect((await store.as(b).recall('plan', { namespace: ['public'] })).map((hit) => hit.id)).toEqual([id]);
    expect(await store.as(b).count({ namespace: ['team'] })).toBe(0);
    expect((await store.as(a).history(id)).map(({ type, memory }) => [type, memory?.namespace])).toEqual([
      ['stored', ['team']],
      ['revised', ['public']],
    ]);
  });

  test('makes a private memory readable in its namespace, but not its earlier revisions', async () => {
    const { id } = await store.as(a).remember('mine', { namespace: ['team'], visibility: 'private' });
    await store.as(a).update(id, { text: 'mine, corrected' });
    expect(await store.as(b).get(id)).toBeUndefined();
    await store.as(a).share(id, { visibility: 'shared' });
    expect(await store.as(b).get(id)).toMatchObject({ text: 'mine, corrected', visibility: 'shared' });
    expect((await store.as(b).history(id)).map(({ revision }) => revision)).toEqual([3]);
  });

  test('lets only the author of a memory make it private', async () => {
    const { id } = await store.as(a).remember('ours', { namespace: ['team'] });
    await store.admin.access.allow(b, 'curator', ['team']);
    await expect(store.as(b).share(id, { visibility: 'private' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const forAUser = store.as({ ...a, onBehalfOf: { userId: 'u' } });
    await store.admin.access.allow({ userId: 'u' }, 'curator', ['team']);
    await expect(forAUser.share(id, { visibility: 'private' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await store.as(a).share(id, { visibility: 'private' });
    expect(await store.as(b).get(id)).toBeUndefined();
  });

  test('lets a caller with the clearance for an access tag add and remove this tag', async () => {
    const { id } = await store.as(a).remember('dose', { namespace: ['team'] });
    expect((await store.as(a).share(id, { accessTags: ['secret'] })).accessTags).toEqual(['secret']);
    expect(await store.as(b).get(id)).toMatchObject({ accessTags: ['secret'] });
    await expect(store.as(a).share(id, { accessTags: ['secret', 'other'] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await store.admin.access.clear(a, 'other', ['public']);
    // Cleared in another namespace, not in the new one.
    await expect(store.as(a).share(id, { accessTags: ['other'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await store.as(a).share(id, { accessTags: [] })).accessTags).toEqual([]);
  });

  test('keeps the access tags of a moved memory, so the move requires clearances for them in the new namespace', async () => {
    const { id } = await store.as(a).remember('dose', { namespace: ['team'], accessTags: ['secret'] });
    await expect(store.as(a).share(id, { namespace: ['public'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await store.as(a).share(id, { namespace: ['public'], accessTags: [] });
    expect(await store.as(b).get(id)).toMatchObject({ namespace: ['public'] });
  });

  test("requires `share` in the old namespace, even for the caller's own memories, and `write` in the new namespace", async () => {
    const { id } = await store.as(a).remember('note', { namespace: ['public'] });
    await expect(store.as(a).share(id, { namespace: ['team'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const inTeam = await store.as(a).remember('note', { namespace: ['team'] });
    await expect(store.as(a).share(inTeam.id, { namespace: ['elsewhere'] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(store.as(b).share(inTeam.id, { visibility: 'shared' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await store.admin.access.deny(a, ['share'], ['team']);
    await expect(store.as(a).share(inTeam.id, { namespace: ['public'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('moves a memory into a namespace that the caller cannot read, unless the memory has a key', async () => {
    const { id } = await store.as(a).remember('for the box', { namespace: ['team'] });
    await store.as(a).share(id, { namespace: ['box'] });
    expect(await store.as(a).get(id)).toBeUndefined();
    const keyed = await store.as(a).remember('for the box', { namespace: ['team'], key: 'k' });
    await expect(store.as(a).share(keyed.id, { namespace: ['box'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(store.as(a).remember('x', { namespace: ['box'], key: 'k' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  test('rejects a move to a namespace where another memory has the same key', async () => {
    await store.as(a).remember('there', { namespace: ['public'], key: 'k' });
    const { id } = await store.as(a).remember('here', { namespace: ['team'], key: 'k' });
    await expect(store.as(a).share(id, { namespace: ['public'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['change', 'namespace'] }],
    });
    expect(await store.as(a).get({ namespace: ['team'], key: 'k' })).toMatchObject({ id, revision: 1 });
  });

  test('returns the same NOT_FOUND for an unreadable memory and for one that does not exist', async () => {
    const { id } = await store.admin.remember('hidden', { namespace: ['closed'] });
    for (const unknown of [id, 'nothing']) {
      await expect(store.as(a).share(unknown, { namespace: ['team'] })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: `Memory ${JSON.stringify(unknown)} was not found: it does not exist, or this handle may not read it.`,
      });
    }
  });

  test('rejects a move out of the scope of the handle, and any change if the revision differs from `ifRevision`', async () => {
    const { id } = await store.as(a).remember('note', { namespace: ['team'] });
    const narrow = store.as(a, { namespace: ['team'] });
    await expect(narrow.share(id, { namespace: ['public'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(narrow.share(id, { accessTags: ['secret'] }, { ifRevision: 2 })).rejects.toMatchObject({
      code: 'REVISION_CONFLICT',
    });
    expect(await narrow.share(id, { accessTags: ['secret'] }, { ifRevision: 1 })).toMatchObject({ revision: 2 });
  });

  test('rejects a call that would change nothing', async () => {
    await expect(store.as(a).share('x', {})).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const wrong = { visibility: 'public', namespace: [''], accessTags: 'secret', tags: [] };
    await expect(store.as(a).share('x', wrong as never)).rejects.toMatchObject({
      issues: expect.arrayContaining([
        expect.objectContaining({ path: ['change', 'visibility'] }),
        expect.objectContaining({ path: ['change', 'namespace', 0] }),
        expect.objectContaining({ path: ['change', 'accessTags'] }),
        expect.objectContaining({ path: ['change', 'tags'] }),
      ]),
    });
  });

  test('respects deny rules in the new namespace', async () => {
    await store.admin.access.deny(b, ['read'], ['team', 'inner']);
    const { id } = await store.as(a).remember('note', { namespace: ['team'] });
    await store.as(a).share(id, { namespace: ['team', 'inner'] });
    expect(await store.as(b).get(id)).toBeUndefined();
  });
});

describe('supersededBy', () => {
  test('is shown only to callers who may read the superseding memory', async () => {
    const old = await store.as(a).remember('old', { namespace: ['team'] });
    const { id } = await store
      .as(a)
      .remember('new', { namespace: ['team'], visibility: 'private', supersedes: old.id });
    expect(await store.as(a).get(old.id)).toMatchObject({ state: 'superseded', supersededBy: id });
    const seen = await store.as(b).get(old.id);
    expect(seen).toMatchObject({ state: 'superseded' });
    expect(seen).not.toHaveProperty('supersededBy');
    const named = (who: typeof a, scope = {}) =>
      store.as(who, scope).count({ include: ['superseded'], filter: { supersededBy: { gte: id } } });
    expect([await named(a), await named(b)]).toEqual([1, 0]);
    await store.as(a).share(id, { visibility: 'shared' });
    expect(await store.as(b).get(old.id)).toMatchObject({ supersededBy: id });
    expect(await named(b)).toBe(1);
    await store.as(a).forget(id);
    expect([await named(b), await named(b, { agentId: 'a' }), await named(b, { sessionId: 's' })]).toEqual([1, 1, 0]);
  });
});
