import { allow, clear, group, type MemoryStore, role } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { openInMemory } from './stores';

const a = { agentId: 'a' };
const b = { agentId: 'b' };
const head = { userId: 'head' };

let store: MemoryStore;
beforeEach(async () => {
  store = await openInMemory({ access: [allow(head, 'administrator', ['ward'])] });
  await store.admin.remember('round at nine', { namespace: ['ward'] });
});

const sees = async (who: typeof a) => (await store.as(who).list()).items.length;

describe('rules at run time', () => {
  test('apply from the moment when they are acknowledged until they are ended', async () => {
    const rule = await store.admin.access.allow(a, 'reader', ['ward']);
    expect(rule).toMatchObject({ effect: 'allow', to: a, actions: 'reader', at: ['ward'], declared: false });
    expect(await sees(a)).toBe(1);
    expect(await store.admin.access.end(rule.id)).toBe(true);
    expect(await sees(a)).toBe(0);
    expect(await store.admin.access.end(rule.id)).toBe(false);
    const kept = await store.admin.access.list({ ended: true });
    expect(kept.map(({ id, until }) => [id === rule.id, until !== undefined])).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(await store.admin.access.list()).toHaveLength(1);
  });

  test('can deny actions that other rules allow', async () => {
    await store.admin.access.allow('everyone', 'reader', []);
    await store.admin.access.deny(a, ['read'], ['ward']);
    expect([await sees(a), await sees(b)]).toEqual([0, 1]);
  });

  test('apply to the current members of a group', async () => {
    await store.admin.access.group('nurses', [a]);
    const rule = await store.admin.access.allow({ group: 'nurses' }, 'reader', ['ward']);
    expect([await sees(a), await sees(b)]).toEqual([1, 0]);
    const again = await store.admin.access.group('nurses', [b]);
    expect([await sees(a), await sees(b)]).toEqual([0, 1]);
    // A user of that name is somebody else.
    await store.admin.access.group('nurses', [{ userId: 'b' }]);
    expect(await sees(b)).toBe(0);
    await expect(store.admin.access.end(again.id)).resolves.toBe(false);
    const [current] = (await store.admin.access.list()).filter((each) => 'members' in each);
    await expect(store.admin.access.end(current?.id as string)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(rule.id),
    });
    await store.admin.access.end(rule.id);
    expect(await store.admin.access.end(current?.id as string)).toBe(true);
  });

  test('apply the current actions of a role', async () => {
    await store.admin.access.role('porter', ['read']);
    await store.admin.access.allow(a, 'porter', ['ward']);
    expect(await sees(a)).toBe(1);
    await store.admin.access.role('porter', ['write']);
    expect(await sees(a)).toBe(0);
    await expect(store.as(a).remember('moved', { namespace: ['ward'] })).resolves.toMatchObject({ outcome: 'stored' });
  });

  test('with an unknown role, group or action are rejected, and the error names the most similar name', async () => {
    await store.admin.access.role('porter', ['read']);
    await expect(store.admin.access.allow(a, 'portre', ['ward'])).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['actions'], message: expect.stringContaining('did you mean "porter"') }],
    });
    await expect(store.admin.access.allow({ group: 'x' }, 'reader', [])).rejects.toMatchObject({
      issues: [{ path: ['to', 'group'] }],
    });
    await expect(store.admin.access.role('reader', ['read'])).rejects.toMatchObject({ issues: [{ path: ['role'] }] });
    await expect(store.admin.access.allow(a, ['raed'] as never, [])).rejects.toMatchObject({
      issues: [{ path: ['actions', 0], message: expect.stringContaining('"read"') }],
    });
  });

  test('can give subjects clearances for access tags', async () => {
    await store.admin.remember('gene test', { namespace: ['ward'], accessTags: ['genetics', 'minor'] });
    await store.admin.access.allow(a, 'reader', ['ward']);
    await store.admin.access.clear(a, 'genetics', ['ward']);
    expect(await sees(a)).toBe(1);
    const both = await store.admin.access.clear('everyone', 'minor', []);
    expect(await sees(a)).toBe(2);
    await store.admin.access.end(both.id);
    expect(await sees(a)).toBe(1);
  });
});

describe('an administrator of one namespace', () => {
  test('can use roles and groups by name, and cannot learn their names from errors', async () => {
    await store.admin.access.group('merger-team', [a]);
    await store.admin.access.role('merger', ['read']);
    const { access } = store.as(head);
    for (const unknown of [access.allow({ group: 'merger' }, 'reader', ['ward']), access.allow(a, 'merge', ['ward'])]) {
      const error = await unknown.catch((reason) => reason);
      expect(error).toMatchObject({ code: 'INVALID_INPUT' });
      expect(error.message).not.toContain('merger-team');
      expect(error.message).not.toContain('"merger"?');
    }
    await expect(access.allow({ group: 'merger-team' }, 'merger', ['ward'])).resolves.toMatchObject({ at: ['ward'] });
  });

  test('grants only actions that it has in its namespace, and sees no rules of other namespaces', async () => {
    await store.admin.access.allow(b, 'reader', ['other']);
    const { access } = store.as(head);
    const rule = await access.allow(a, 'writer', ['ward', '4']);
    expect((await access.list()).map(({ id }) => id)).toEqual([expect.any(String), rule.id]);
    await expect(access.allow(a, 'reader', ['other'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(access.allow(a, 'reader', [])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(access.role('porter', ['read'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(access.group('nurses', [a])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const elsewhere = (await store.admin.access.list({ within: ['other'] }))[0]?.id as string;
    expect(await access.end(elsewhere)).toBe(false);
  });

  test('grants neither an access tag for which it has no clearance nor an action that it is denied in a namespace below', async () => {
    const { access } = store.as(head);
    await expect(access.clear(a, 'genetics', ['ward'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await store.admin.access.clear(head, 'genetics', ['ward']);
    await access.clear(a, 'genetics', ['ward', '4']);
    await store.admin.access.deny(head, ['read'], ['ward', 'vip']);
    await expect(access.allow(a, 'reader', ['ward'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await access.allow(a, 'reader', ['ward', '4']);
  });

  test('cannot end a deny rule that applies to itself', async () => {
    const rule = await store.admin.access.deny('everyone', ['erase'], ['ward']);
    await expect(store.as(head).access.end(rule.id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('is limited by the scope of its handle', async () => {
    await expect(
      store.as(head, { namespace: ['ward', '4'] }).access.allow(a, 'reader', ['ward']),
    ).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    const bySession = store.as(head, { sessionId: 's' });
    await expect(bySession.access.allow(a, 'reader', ['ward'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await bySession.access.list()).toEqual([]);
  });

  test('administers on behalf of a user only what both the administrator and the user may administer', async () => {
    const pair = store.as({ agentId: 'helper', onBehalfOf: head });
    await expect(pair.access.allow(a, 'reader', ['ward'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await store.admin.access.allow({ agentId: 'helper' }, 'administrator', []);
    await pair.access.allow(a, 'reader', ['ward']);
    await expect(pair.access.allow(a, 'reader', ['x'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('other principals neither see nor make rules', async () => {
    expect(await store.as(b).access.list({ ended: true })).toEqual([]);
    await expect(store.as(b).access.allow(b, 'reader', ['ward'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    // Roles are not told apart from what is no role.
    await expect(store.as(b).access.allow(b, 'no such role', ['ward'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('explain', () => {
  test('returns the decision, its reason and the rules that decided', async () => {
    const { access } = store.admin;
    const open = await access.allow('everyone', 'reader', []);
    const own = await access.allow(a, ['read'], ['ward']);
    const no = await access.deny(b, 'reader', ['ward']);
    const ask = (principal: typeof a, action: 'read' | 'write', namespace = ['ward', '4']) =>
      access.explain({ principal, action, namespace });
    expect(await ask(a, 'read')).toEqual({ allowed: true, reason: 'allowed', rules: [open, own], undisclosed: false });
    expect(await ask(b, 'read')).toEqual({ allowed: false, reason: 'denied', rules: [no], undisclosed: false });
    expect(await ask(b, 'read', ['x'])).toMatchObject({ allowed: true, rules: [open] });
    expect(await ask(a, 'write')).toEqual({ allowed: false, reason: 'no rule allows', rules: [], undisclosed: false });
  });

  test("decides about one memory by the memory's namespace and access tags", async () => {
    const { access } = store.admin;
    await access.allow(a, 'writer', ['ward']);
    await access.allow(b, 'writer', ['ward']);
    const mine = await store.as(a).remember('mine', { namespace: ['ward'], visibility: 'private' });
    const tagged = await store.admin.remember('gene test', { namespace: ['ward'], accessTags: ['genetics'] });
    const explain = (principal: typeof a, action: 'read' | 'update', id: string) =>
      access.explain({ principal, action, id });
    expect(await explain(a, 'update', mine.id)).toMatchObject({ allowed: true, reason: 'own memory' });
    expect(await explain(b, 'read', mine.id)).toMatchObject({ allowed: false, reason: 'private to another author' });
    expect(await explain(a, 'read', tagged.id)).toMatchObject({ allowed: false, reason: 'not cleared' });
    const cleared = await access.clear(a, 'genetics', []);
    expect((await explain(a, 'read', tagged.id)).rules).toContainEqual(cleared);
    await expect(access.explain({ principal: a, action: 'read', id: 'none' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('requires `administer` in the namespace, and hides the rules of parent namespaces as undisclosed', async () => {
    await store.admin.access.allow('everyone', 'reader', []);
    const { access } = store.as(head);
    const question = { principal: a, action: 'read' as const, namespace: ['ward'] };
    expect(await access.explain(question)).toEqual({ allowed: true, reason: 'allowed', rules: [], undisclosed: true });
    await expect(access.explain({ ...question, namespace: ['x'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(store.as(a).access.explain(question)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const { id } = await store.admin.remember('hidden', { namespace: ['ward'], visibility: 'private' });
    await expect(access.explain({ principal: a, action: 'read', id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('requires an id or a namespace', async () => {
    const question = { principal: a, action: 'read' } as never;
    await expect(store.admin.access.explain(question)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('access declarations passed to MemoryStore.open()', () => {
  test('must define every role and group that they name, except the built-in roles', async () => {
    const declared = [role('porter', ['read']), group('night', [a]), allow({ group: 'night' }, 'porter', ['ward'])];
    const one = await openInMemory({ access: declared });
    await one.admin.remember('note', { namespace: ['ward'] });
    expect(await one.as(a).count()).toBe(1);
    await expect(openInMemory({ access: declared.slice(1) })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['access', 1, 'actions'] }],
    });
    await expect(openInMemory({ access: [role('x', ['read']), role('x', ['write'])] })).rejects.toMatchObject({
      issues: [{ path: ['access', 1, 'role'] }],
    });
  });

  test('cannot be ended or replaced at run time', async () => {
    const one = await openInMemory({ access: [clear(a, 'x', []), role('porter', ['read'])] });
    const [rule] = await one.admin.access.list();
    await expect(one.admin.access.end(rule?.id as string)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(one.admin.access.role('porter', ['write'])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('the stats of a handle', () => {
  test('count the memories that it may read', async () => {
    await store.admin.remember('elsewhere', { namespace: ['other'] });
    await store.admin.access.allow(a, 'reader', ['ward']);
    expect(await store.as(a).stats()).toEqual({ memories: 1, namespaces: 1 });
    expect(await store.admin.stats()).toEqual({ memories: 2, namespaces: 2 });
    expect(await store.as(b).stats()).toEqual({ memories: 0, namespaces: 0 });
  });
});
