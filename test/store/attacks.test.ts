import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { allow, clear, group, type MemoryHandle, MemoryStore, role } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { codeOf, openFolder, openInMemory, temporaryFolder } from './stores';

const p = { agentId: 'p' };

function alterDatabase(folder: string, sql: string): void {
  const database = new BetterSqlite(join(folder, 'memory.db'));
  database.exec(sql);
  database.close();
}

test('changing a returned object does not change the rules of the store', async () => {
  const boss = { agentId: 'boss' };
  const store = await openInMemory({ access: [allow(boss, 'administrator', ['n']), group('g', [p])] });
  await store.admin.access.allow(p, ['read'], ['n', 'x']);
  await store.admin.remember('elsewhere', { namespace: ['other'] });
  const before = JSON.stringify(await store.admin.access.list());
  const question = { principal: p, action: 'read' as const, namespace: ['n', 'x'] };
  const rules = [...(await store.admin.access.list()), ...(await store.as(boss).access.explain(question)).rules];
  for (const rule of rules) {
    if ('at' in rule) (rule.at as string[]).length = 0;
    if ('members' in rule) (rule.members as unknown[]).length = 0;
    if ('actions' in rule && Array.isArray(rule.actions)) rule.actions.push('administer');
  }
  await store.as(boss).access.allow(p, ['read'], ['n', 'y']);
  expect(JSON.stringify((await store.admin.access.list()).slice(0, -1))).toBe(before);
  expect(await store.as(p).count()).toBe(0);
});

test('a lookup by key does not depend on hidden memories with the same key', async () => {
  const w = { agentId: 'w' };
  const access = [p, w].flatMap((who) => [allow(who, 'writer', ['n']), clear(who, 'x', [])]);
  const found = async (hidden: boolean) => {
    const store = await openInMemory({ access });
    if (hidden) {
      await store.as(w).remember('hidden', { namespace: ['n'], accessTags: ['x'], visibility: 'private' });
    }
    await store.admin.remember('plain', { namespace: ['n'], key: 'k' });
    await store.admin.remember('tagged', { namespace: ['n'], key: 'k', accessTags: ['x'] });
    return (await store.as(p).get({ namespace: ['n'], key: 'k' }))?.text;
  };
  expect([await found(false), await found(true)]).toEqual(['plain', 'plain']);
});

describe('undefined and unusual arguments', () => {
  const lost = undefined as never;

  test('an undefined principal, scope or label is rejected', async () => {
    const store = await openInMemory();
    const own = await store.as(p).remember('mine', { namespace: ['n'] });
    for (const call of [
      () => store.as({ ...p, onBehalfOf: lost }),
      () => store.as(p, lost),
      () => store.as(p).within(lost),
      () => store.as(p).remember('x', { namespace: ['n'], accessTags: lost }),
      () => store.as(p).remember('x', { namespace: ['n'], visibility: lost }),
      () => store.as(p).share(own.id, { visibility: 'shared', accessTags: lost }),
      () => store.admin.access.explain({ principal: { ...p, onBehalfOf: lost }, action: 'read', namespace: [] }),
    ]) {
      expect(await codeOf(async () => call())).toBe('INVALID_INPUT');
    }
  });

  test('a service cannot have the name that stands for the host', async () => {
    const store = await openInMemory();
    expect(await codeOf(async () => store.as({ serviceId: 'root' }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => store.admin.access.allow({ serviceId: 'root' }, 'reader', []))).toBe('INVALID_INPUT');
  });

  test('values that are not actions or names are rejected with issues', async () => {
    const store = await openInMemory();
    const odd = [JSON.parse('{"toString":1,"valueOf":1}')];
    expect(await codeOf(() => store.admin.access.allow('everyone', odd, []))).toBe('INVALID_INPUT');
    const access = [{ role: 5, actions: ['read'] }, allow('everyone', 'nope', [])] as never;
    expect(await codeOf(() => MemoryStore.inMemory({ access }))).toBe('INVALID_INPUT');
  });

  test('a getter of an argument is called only once, so its value cannot change after the check', async () => {
    const store = await openInMemory();
    const { dimensions } = (await store.stats()).space;
    const twoFaced = (good: unknown, bad: unknown) => {
      let asked = 0;
      return () => (asked++ % 2 === 0 ? bad : good);
    };
    const vector = twoFaced(new Float32Array(dimensions).fill(1), new Float32Array(3).fill(1));
    const item = Object.defineProperty({ text: 'x', namespace: ['n'] }, 'vector', { get: vector, enumerable: true });
    const { results } = await store.admin.rememberMany([item]);
    expect(results[0]).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    await store.admin.remember('y', { namespace: ['n'] });
    const options = Object.defineProperty({}, 'vector', { get: vector, enumerable: true });
    // The good one, and then the bad one.
    expect(await store.admin.recall('y', options)).toHaveLength(1);
    expect(await codeOf(() => store.admin.recall('y', options))).toBe('INVALID_INPUT');
  });
});

describe('a hidden memory that is damaged', () => {
  test('looks like a memory that does not exist, and does not block access to other memories', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { access: [allow(p, 'curator', ['n'])] });
    const own = await store.as(p).remember('mine', { namespace: ['n'] });
    const kept = await store.as(p).remember('mine too', { namespace: ['n'] });
    const hidden = await store.admin.remember('hidden', {
      namespace: ['n'],
      accessTags: ['x'],
      key: 'k',
      supersedes: own.id,
    });
    alterDatabase(folder, `update memories set priority = 0.9 where id = '${hidden.id}'`);
    const calls = (handle: MemoryHandle, id: string) => [
      () => handle.get(id),
      () => handle.history(id),
      () => handle.forget(id),
      () => handle.update(id, { priority: 1 }).catch((error) => error.code),
      () => handle.share(id, { visibility: 'shared' }).catch((error) => error.code),
      () => handle.remember('z', { namespace: ['n'], supersedes: id }).catch((error) => error.code),
    ];
    const asked = (id: string) => Promise.all(calls(store.as(p), id).map((call) => call()));
    expect(await asked(hidden.id)).toEqual(await asked('no such id'));
    expect(await store.as(p).get({ namespace: ['n'], key: 'k' })).toBeUndefined();
    expect(await store.as(p).get(own.id)).toMatchObject({ state: 'superseded' });
    expect((await store.as(p).list({ include: ['superseded'] })).items).toHaveLength(2);
    const watch = store.as(p).watch({ since: 'start' })[Symbol.asyncIterator]();
    const ids = [await watch.next(), await watch.next(), await watch.next()].map(({ value }) => value.id);
    expect(ids).toEqual([own.id, kept.id, own.id]);
    await watch.return?.();
    expect(await codeOf(() => store.admin.get(hidden.id))).toBe('RECORD_DAMAGED');
  });
});

describe('access declarations passed to MemoryStore.open() again', () => {
  test('take effect even if the rules made at run time differ, and leave the deny rules among these in force', async () => {
    const folder = await temporaryFolder();
    const first = [role('looker', ['read']), group('team', [p]), allow('everyone', 'reader', ['n'])];
    const store = await openFolder(folder, { access: first });
    await store.admin.remember('note', { namespace: ['n'] });
    await store.admin.access.deny({ group: 'team' }, 'looker', ['n']);
    await store.admin.access.role('clerk', ['write']);
    await store.admin.access.allow({ agentId: 'q' }, 'clerk', ['n']);
    const again = await openFolder(folder, { access: [allow('everyone', 'reader', ['n']), role('clerk', ['share'])] });
    expect(await again.as(p).count()).toBe(0);
    expect(await again.as({ agentId: 'r' }).count()).toBe(1);
    const question = { principal: { agentId: 'q' }, namespace: ['n'] };
    expect(await again.admin.access.explain({ ...question, action: 'write' })).toMatchObject({ allowed: false });
    expect(await again.admin.access.explain({ ...question, action: 'share' })).toMatchObject({ allowed: true });
  });

  test('are rejected by a read-only store unless they are already in force', async () => {
    const folder = await temporaryFolder();
    const access = [allow('everyone', 'reader', ['n'])];
    await openFolder(folder, { access });
    const same = await MemoryStore.open(folder, { readOnly: true, access });
    await same.close();
    expect(await codeOf(() => MemoryStore.open(folder, { readOnly: true, access: [] }))).toBe('INVALID_INPUT');
  });
});

describe('a read-only store while another process writes', () => {
  test('throws RECORD_DAMAGED while one of its rules is damaged', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { access: [] });
    await store.admin.remember('note', { namespace: ['n'] });
    const rule = await store.admin.access.allow(p, 'reader', ['n']);
    const other = await store.admin.access.deny({ agentId: 'q' }, ['read'], ['n']);
    const reader = await MemoryStore.open(folder, { readOnly: true });
    expect(await reader.as(p).count()).toBe(1);
    await store.admin.access.end(rule.id);
    alterDatabase(
      folder,
      `update declarations set declaration = replace(declaration, '"q"', '"Q"') where id = '${other.id}'`,
    );
    for (let i = 0; i < 3; i++) expect(await codeOf(() => reader.as(p).count())).toBe('RECORD_DAMAGED');
    alterDatabase(
      folder,
      `update declarations set declaration = replace(declaration, '"Q"', '"q"') where id = '${other.id}'`,
    );
    expect(await reader.as(p).count()).toBe(0);
    await reader.close();
  });
});

test('iterating a list skips memories that were meanwhile forgotten or became unreadable', async () => {
  const store = await openInMemory({ access: [] });
  const rule = await store.admin.access.allow(p, 'reader', ['n']);
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await store.admin.remember(`note ${i}`, { namespace: ['n'] })).id);
  const iterator = store.as(p).list({ order: 'oldest' })[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toMatchObject({ id: ids[0] });
  await store.admin.forget(ids[1] as string);
  await store.admin.update(ids[2] as string, { text: 'newer' });
  expect((await iterator.next()).value).toMatchObject({ id: ids[2], text: 'newer' });
  await store.admin.access.end(rule.id);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});
