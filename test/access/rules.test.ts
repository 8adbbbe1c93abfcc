import { allow, deny, type Principal, type Rule } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { all, codeOf, openFolder, temporaryFolder } from '../store/stores';

const actors: Principal[] = [
  { agentId: 'a' },
  { agentId: 'a', onBehalfOf: { userId: 'u' } },
  { agentId: 'b' },
  { userId: 'a' },
  { serviceId: 'a' },
];

describe('access rules', () => {
  const namespace = ['support'];

  test('are absent in a new store, so only root can do anything', async () => {
    const store = await openFolder(await temporaryFolder(), { access: [] });
    const { id } = await store.admin.remember('note', { namespace });
    for (const who of actors) {
      const handle = store.as(who);
      expect(await handle.get(id)).toBeUndefined();
      expect(await handle.count()).toBe(0);
      expect(await handle.recall('note')).toEqual([]);
      expect(await codeOf(() => handle.remember('note', { namespace }))).toBe('FORBIDDEN');
      expect(await codeOf(() => handle.update(id, { priority: 1 }))).toBe('NOT_FOUND');
      expect(await handle.forget(id)).toBe(false);
    }
    expect(await store.admin.count()).toBe(1);
  });

  test('passed to open replace those from an earlier open; an open without the option `access` keeps them', async () => {
    const folder = await temporaryFolder();
    const may = async (rules?: readonly Rule[]) => {
      const store = await openFolder(
        folder,
        rules === undefined ? ({ access: undefined } as never) : { access: rules },
      );
      const found = await Promise.all(
        (['a', 'b'] as const).map((agentId) =>
          store
            .as({ agentId }, { namespace })
            .remember('note')
            .then(
              () => true,
              () => false,
            ),
        ),
      );
      await store.close();
      return found;
    };
    expect(await may()).toEqual([false, false]);
    expect(await may([allow({ agentId: 'a' }, 'writer', namespace)])).toEqual([true, false]);
    expect(await may()).toEqual([true, false]);
    expect(await may([allow({ agentId: 'b' }, 'writer', namespace)])).toEqual([false, true]);
    expect(await may()).toEqual([false, true]);
    expect(await may([allow('everyone', 'writer', []), deny({ agentId: 'b' }, ['write'], [])])).toEqual([true, false]);
    expect(await may([])).toEqual([false, false]);
    expect(await may()).toEqual([false, false]);
  });

  test('compare namespaces label by label, so ["acme"] does not contain ["acme-corp"]', async () => {
    const store = await openFolder(await temporaryFolder(), { access: [allow('everyone', 'writer', ['acme'])] });
    const agent = store.as({ agentId: 'a' });
    for (const place of [['acme-corp'], ['acme', ''], ['Acme'], ['ac'], ['acme corp'], ['a', 'cme'], []]) {
      expect(await codeOf(() => agent.remember('note', { namespace: place }))).toMatch(/FORBIDDEN|INVALID_INPUT/);
    }
    await agent.remember('note', { namespace: ['acme'] });
    await agent.remember('note', { namespace: ['acme', 'corp'] });
    await store.admin.remember('note', { namespace: ['acme-corp'] });
    expect(await agent.count()).toBe(2);
  });

  test('compare principals by kind and by every character of their ids', async () => {
    const access = [allow({ agentId: 'billing' }, 'writer', namespace)];
    const store = await openFolder(await temporaryFolder(), { access });
    const strangers = [
      { agentId: 'Billing' },
      { agentId: 'billing ' },
      { agentId: 'billing\u200b' },
      { agentId: 'bıllıng' },
      { userId: 'billing' },
      { serviceId: 'billing' },
    ];
    for (const stranger of strangers) {
      expect(await codeOf(() => store.as(stranger).remember('note', { namespace }))).toBe('FORBIDDEN');
    }
    await store.as({ agentId: 'billing' }).remember('note', { namespace });
  });

  test('allow an agent on behalf of a user only what both the agent and the user may do', async () => {
    const access = [
      allow({ agentId: 'a' }, 'writer', []),
      allow({ userId: 'u' }, 'reader', namespace),
      allow({ userId: 'v' }, 'writer', ['other']),
      deny({ userId: 'w' }, ['read'], []),
    ];
    const store = await openFolder(await temporaryFolder(), { access });
    await store.admin.remember('note', { namespace });
    const pair = (userId: string) => store.as({ agentId: 'a', onBehalfOf: { userId } });
    expect(await pair('u').count()).toBe(1);
    expect(await codeOf(() => pair('u').remember('note', { namespace }))).toBe('FORBIDDEN');
    expect(await pair('v').count()).toBe(0);
    await pair('v').remember('note', { namespace: ['other'] });
    expect(await pair('w').count()).toBe(0);
    expect(await store.as({ agentId: 'a' }).count()).toBe(2);
    // The agent for itself and the agent on behalf of the user are different authors. Neither may change the other's memories.
    const { id } = await pair('v').remember('of the pair', { namespace: ['other'] });
    expect(await codeOf(() => store.as({ agentId: 'a' }).update(id, { priority: 1 }))).toBe('FORBIDDEN');
  });

  test('let an author with `write` update and forget only its own memories', async () => {
    const store = await openFolder(await temporaryFolder(), { access: [allow('everyone', 'writer', namespace)] });
    const [one, two] = [store.as({ agentId: 'one' }, { namespace }), store.as({ agentId: 'two' }, { namespace })];
    const { id } = await one.remember('of one', { key: 'k' });
    expect(await codeOf(() => two.update(id, { text: 'x' }))).toBe('FORBIDDEN');
    expect(await codeOf(() => two.forget(id))).toBe('FORBIDDEN');
    expect(await codeOf(() => two.remember('x', { supersedes: id }))).toBe('FORBIDDEN');
    expect(await codeOf(() => two.remember('x', { key: 'k' }))).toBe('FORBIDDEN');
    expect(await store.admin.get(id)).toMatchObject({ text: 'of one', revision: 1, state: 'active' });
    await one.update(id, { text: 'still of one' });
    await one.remember('and again', { key: 'k' });
    expect(await one.forget(id)).toBe(true);
  });

  test('can allow `write` without `read`', async () => {
    const access = [allow({ agentId: 'a' }, ['write'], namespace), allow({ agentId: 'b' }, 'reader', namespace)];
    const store = await openFolder(await temporaryFolder(), { access });
    const dropper = store.as({ agentId: 'a' }, { namespace });
    const { id } = await dropper.remember('a complaint', { tags: ['t'] });
    expect(await dropper.get(id)).toBeUndefined();
    expect(await dropper.count()).toBe(0);
    expect(await dropper.recall('complaint')).toEqual([]);
    expect(await dropper.history(id)).toEqual([]);
    expect(await codeOf(() => dropper.update(id, { priority: 1 }))).toBe('NOT_FOUND');
    expect(await dropper.forget(id)).toBe(false);
    expect(await codeOf(() => dropper.remember('x', { supersedes: id }))).toBe('NOT_FOUND');
    expect((await store.as({ agentId: 'b' }).get(id))?.text).toBe('a complaint');
  });

  test('refuse a write without `write` in the namespace, whether or not the namespace has memories', async () => {
    const access = [allow('everyone', 'writer', namespace)];
    const store = await openFolder(await temporaryFolder(), { access });
    await store.admin.remember('note', { namespace: ['there'], key: 'k', idempotencyKey: 'i' });
    const agent = store.as({ agentId: 'a' });
    const messages = new Set<string>();
    for (const place of [['there'], ['elsewhere']]) {
      for (const options of [{}, { key: 'k' }, { idempotencyKey: 'i' }, { supersedes: 'none' }]) {
        const call = agent.remember('note', { namespace: place, ...options });
        await expect(call).rejects.toMatchObject({ code: 'FORBIDDEN' });
        messages.add(await call.catch(({ message }) => message.replace(place[0] ?? '', '')));
      }
    }
    expect(messages.size).toBe(1);
  });

  test("require a clearance for a memory's access tags, to write it and to read it", async () => {
    const store = await openFolder(await temporaryFolder(), { access: [allow('everyone', 'administrator', [])] });
    const agent = store.as({ agentId: 'a' });
    expect(await codeOf(() => agent.remember('note', { namespace, accessTags: ['secret'] }))).toBe('FORBIDDEN');
    const { id } = await store.admin.remember('note', { namespace, accessTags: ['secret', 'a'] });
    expect(await agent.get(id)).toBeUndefined();
    expect(await codeOf(() => agent.update(id, { priority: 1 }))).toBe('NOT_FOUND');
    expect(await store.admin.count({ filter: { accessTags: 'secret' } })).toBe(1);
    expect((await store.admin.get(id))?.accessTags.sort()).toEqual(['a', 'secret']);
    // A memory without access tags needs no clearance.
    const { id: open } = await store.admin.remember('note', { namespace, accessTags: [] });
    expect(await agent.get(open)).toBeDefined();
  });

  test('show a private memory only to its author, and only if the author may `read`', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { access: [allow('everyone', 'curator', [])] });
    const authors = [
      { agentId: 'a' },
      { agentId: 'a', onBehalfOf: { userId: 'u1' } },
      { agentId: 'a', onBehalfOf: { userId: 'u2' } },
      { userId: 'a' },
      { userId: 'u1' },
    ];
    const ids: string[] = [];
    for (const who of authors)
      ids.push((await store.as(who).remember('mine', { namespace, visibility: 'private' })).id);
    for (const [i, who] of authors.entries()) {
      expect((await all(store.as(who).list())).map(({ id }) => id)).toEqual([ids[i]]);
      expect((await store.as(who).recall('mine')).map(({ id }) => id)).toEqual([ids[i]]);
    }
    expect(await store.admin.count()).toBe(authors.length);
    await openFolder(folder, { access: [allow('everyone', ['write'], [])] });
    for (const who of authors) expect(await store.as(who).count()).toBe(0);
  });

  test('give no right to the user whom a memory is about', async () => {
    const store = await openFolder(await temporaryFolder(), { access: [] });
    const { id } = await store.admin.remember('about u1', { namespace, userId: 'u1' });
    expect(await store.as({ userId: 'u1' }).get(id)).toBeUndefined();
    expect(await store.as({ agentId: 'a', onBehalfOf: { userId: 'u1' } }).count()).toBe(0);
  });
});
