import { runInNewContext } from 'node:vm';
import { allow, type MemoryHandle, MemoryStore, toContext } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openInMemory, refusal } from './stores';

const namespace = ['support'];

class Bounds {
  tags = ['refund'];
}

/** Objects that hold no fields of their own, or not only fields. None of them may count as an empty object. */
const lost: readonly [name: string, make: () => object][] = [
  ['a promise', () => Promise.resolve({ namespace })],
  ['a Map', () => new Map([['namespace', namespace]])],
  ['a Set', () => new Set(['namespace'])],
  ['a Date', () => new Date()],
  ['an instance of a class', () => new Bounds()],
  ['a boxed string', () => Object('support')],
  ['a boxed number', () => Object(1)],
  ['an object that inherits its fields', () => Object.create({ namespace })],
  ['the JSON object', () => JSON],
  ['a Map of another realm', () => runInNewContext('new Map()')],
];

/** Each call with an object in one place. */
const calls: readonly [name: string, call: (store: MemoryStore, value: never) => unknown][] = [
  ['as, principal', (store, value) => store.as(value)],
  ['as, onBehalfOf', (store, value) => store.as({ agentId: 'a', onBehalfOf: value })],
  ['as, scope', (store, value) => store.as({ agentId: 'a' }, value)],
  ['within', ({ admin }, value) => admin.within(value)],
  ['remember', ({ admin }, value) => admin.remember('text', value)],
  ['remember, source', ({ admin }, value) => admin.remember('text', { namespace, source: value })],
  ['remember, metadata', ({ admin }, value) => admin.remember('text', { namespace, metadata: value })],
  ['rememberMany', ({ admin }, value) => admin.rememberMany([], value)],
  ['recall', ({ admin }, value) => admin.recall('text', value)],
  ['recall, filter', ({ admin }, value) => admin.recall('text', { filter: value })],
  ['recall, filter.not', ({ admin }, value) => admin.recall('text', { filter: { not: value } })],
  ['recall, filter.or', ({ admin }, value) => admin.recall('text', { filter: { or: [value] } })],
  ['recall, filter.metadata', ({ admin }, value) => admin.recall('text', { filter: { metadata: value } })],
  ['recall, filter.userId', ({ admin }, value) => admin.recall('text', { filter: { userId: value } })],
  ['recall, filter.userId.in', ({ admin }, value) => admin.recall('text', { filter: { userId: { in: [value] } } })],
  ['get, address', ({ admin }, value) => admin.get(value)],
  ['get, options', ({ admin }, value) => admin.get('id', value)],
  ['history', ({ admin }, value) => admin.history('id', value)],
  ['list', ({ admin }, value) => admin.list(value)],
  ['list, iterated', ({ admin }, value) => first(admin.list(value))],
  ['count', ({ admin }, value) => admin.count(value)],
  ['namespaces', ({ admin }, value) => admin.namespaces(value)],
  ['update, patch', ({ admin }, value) => admin.update('id', value)],
  ['update, options', ({ admin }, value) => admin.update('id', { text: 'x' }, value)],
  ['share', ({ admin }, value) => admin.share('id', value)],
  ['forget', ({ admin }, value) => admin.forget('id', value)],
  ['forgetWhere, selection', ({ admin }, value) => admin.forgetWhere(value, { dryRun: false })],
  ['forgetWhere, filter', ({ admin }, value) => admin.forgetWhere({ namespace, filter: value }, { dryRun: false })],
  ['forgetWhere, options', ({ admin }, value) => admin.forgetWhere({ namespace }, value)],
  ['watch', ({ admin }, value) => admin.watch(value)],
  ['stats', ({ admin }, value) => admin.stats(value)],
  ['access.allow, subject', ({ admin }, value) => admin.access.allow(value, 'reader', namespace)],
  ['access.allow, options', ({ admin }, value) => admin.access.allow('everyone', 'reader', namespace, value)],
  ['access.group', ({ admin }, value) => admin.access.group('g', [value])],
  ['access.list', ({ admin }, value) => admin.access.list(value)],
  ['access.explain', ({ admin }, value) => admin.access.explain(value)],
  ['audit.query', ({ admin }, value) => admin.audit.query(value)],
  ['audit.query, by', ({ admin }, value) => admin.audit.query({ by: value })],
  ['audit.export', ({ admin }, value) => first(admin.audit.export(value))],
  ['verify', (store, value) => store.verify(value)],
  ['settled', (store, value) => store.settled(value)],
  ['inMemory', (_, value) => MemoryStore.inMemory(value)],
  ['inMemory, limits', (_, value) => MemoryStore.inMemory({ limits: value })],
  ['inMemory, access', (_, value) => MemoryStore.inMemory({ access: [value] })],
  ['inMemory, audit', (_, value) => MemoryStore.inMemory({ audit: value })],
  ['connect', (_, value) => MemoryStore.connect('./no-such-folder', value)],
  ['connect, takeOver', (_, value) => MemoryStore.connect('./no-such-folder', { takeOver: value })],
  ['toContext', (_, value) => toContext([], value)],
];

function first(items: AsyncIterable<unknown>): Promise<unknown> {
  return items[Symbol.asyncIterator]().next();
}

describe('an object that is not plain is rejected with INVALID_INPUT and changes nothing, if passed to', () => {
  test.each(calls)('%s', async (_, call) => {
    const store = await openInMemory();
    await store.admin.remember('text', { namespace });
    for (const [name, make] of lost) {
      // `rememberMany` and lists of a connection answer with a promise of their own.
      const { code } = await refusal(() => call(store, make() as never));
      expect([name, code]).toEqual([name, 'INVALID_INPUT']);
    }
    expect(await store.admin.count()).toBe(1);
    expect(await store.admin.access.list()).toHaveLength(1);
  });
});

test.each<[string, (admin: MemoryHandle, value: never) => unknown]>([
  ['a scope', (admin, value) => admin.within(value)],
  ['options', (admin, value) => admin.recall('text', value)],
  ['a filter', (admin, value) => admin.recall('text', { filter: value })],
  ['a filter value', (admin, value) => admin.recall('text', { filter: { userId: value } })],
  ['a list of tags', (admin, value) => admin.recall('text', { tags: value })],
  ['an id', (admin, value) => admin.forget(value)],
])('the issue names a missing await for a promise in place of %s', async (_, call) => {
  const store = await openInMemory();
  const { message } = await refusal(() => call(store.admin, Promise.resolve({}) as never));
  expect(message).toMatch(/got a promise, so an `await` may be missing\./);
});

test('plain objects without a prototype and plain objects from another realm are accepted', async () => {
  const store = await openInMemory({ access: [allow({ agentId: 'a' }, 'writer', namespace)] });
  const foreign = runInNewContext("({ namespace: ['support'], tags: ['refund'], filter: { priority: { gte: 0 } } })");
  const { filter, ...scope } = foreign;
  const bare = Object.assign(Object.create(null), scope);
  await store.as({ agentId: 'a' }, bare).remember('text', { metadata: foreign });
  expect(await store.as({ agentId: 'a' }, scope).count({ filter })).toBe(1);
  const id = { namespace, key: 'none' };
  expect(await store.admin.get(Object.assign(Object.create(null), id))).toBeUndefined();
});
