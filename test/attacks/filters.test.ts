import { allow, type Filter, type MemoryHandle } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { nextTurn } from '../../src/environment/timers';
import { openInMemory } from '../store/stores';

const agent = { agentId: 'a' };
const namespace = ['n'];
const keys = Array.from({ length: 2_500 }, (_, i) => `key-${i}`);
const large = (value: string) => Object.fromEntries(keys.map((key) => [key, value]));
/** A hundred conditions at the end of metadata of 50 kB. */
const costly: Filter = { metadata: Object.fromEntries(keys.slice(-100).map((key) => [key, 'right'])) };

async function stored(handle: MemoryHandle, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++)
    ids.push((await handle.remember(`note ${i}`, { namespace, metadata: large('right'), embed: false })).id);
  return ids;
}

const reads: [string, (handle: MemoryHandle) => PromiseLike<number>][] = [
  ['count', (handle) => handle.count({ filter: costly })],
  ['list', async (handle) => (await handle.list({ filter: costly, maxBytes: 1 })).items.length],
  ['namespaces', async (handle) => (await handle.namespaces({ filter: costly })).length],
  ['recall', async (handle) => (await handle.recall('note', { filter: costly, mode: 'keyword' })).length],
  ['forgetWhere', async (handle) => (await handle.forgetWhere({ filter: costly }, { dryRun: true })).matched],
];

describe('a costly filter', () => {
  test.each(reads)('lets other work run during %s', async (_, read) => {
    const store = await openInMemory();
    await stored(store.admin, 20);
    let turns = 0;
    let isDone = false;
    const answer = Promise.resolve(read(store.admin)).then((found) => {
      isDone = true;
      return found;
    });
    for (; !isDone; turns++) await nextTurn();
    expect(await answer).toBeGreaterThan(0);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  test('is answered with the memories as they are in the last turn', async () => {
    const store = await openInMemory();
    const ids = await stored(store.admin, 20);
    const counting = store.admin.count({ filter: costly });
    await nextTurn();
    await store.admin.update(ids[0] as string, { metadata: large('wrong') });
    await store.admin.forget(ids[19] as string);
    await store.admin.remember('new', { namespace, metadata: large('right'), embed: false });
    await store.admin.remember('other', { namespace, metadata: large('wrong'), embed: false });
    expect(await counting).toBe(19);
  });

  test('obeys the rules in force in the last turn', async () => {
    const store = await openInMemory({ access: [] });
    const rule = await store.admin.access.allow(agent, 'reader', namespace);
    await stored(store.admin, 20);
    const counting = store.as(agent).count({ filter: costly });
    await nextTurn();
    await store.admin.access.end(rule.id);
    expect(await counting).toBe(0);
  });

  test('counts only what the reader may read', async () => {
    const store = await openInMemory({ access: [allow(agent, 'reader', namespace)] });
    await stored(store.admin, 2);
    for (let i = 0; i < 20; i++)
      await store.admin.remember(`hidden ${i}`, { namespace: ['h'], metadata: large('right'), embed: false });
    expect(await store.as(agent).count({ filter: costly })).toBe(2);
  });

  test('ends when its signal is aborted', async () => {
    const store = await openInMemory();
    await stored(store.admin, 20);
    const controller = new AbortController();
    const counting = store.admin.count({ filter: costly, signal: controller.signal });
    const ended = expect(counting).rejects.toThrow('enough');
    await nextTurn();
    controller.abort(new Error('enough'));
    await ended;
  });
});

describe('a filter on long texts', () => {
  // Each pattern nearly matches at every place of the text.
  const pattern = (i: number) => `${'ab'.repeat(500)}${i}`;
  const filter: Filter = { and: Array.from({ length: 8 }, (_, i) => ({ not: { text: { contains: pattern(i) } } })) };
  const searches: [string, (handle: MemoryHandle) => PromiseLike<number>][] = [
    ['count', (handle) => handle.count({ filter })],
    ['list', async (handle) => (await handle.list({ filter, maxBytes: 1 })).items.length],
    ['namespaces', async (handle) => (await handle.namespaces({ filter })).length],
    ['recall', async (handle) => (await handle.recall('ab', { filter, mode: 'keyword' })).length],
    ['forgetWhere', async (handle) => (await handle.forgetWhere({ filter }, { dryRun: true })).matched],
  ];
  const longText = (i: number) => `ab ${i} ${'ab'.repeat(150_000)}`;

  test.each(searches)('lets other work run during %s', async (_, search) => {
    const store = await openInMemory();
    for (let i = 0; i < 6; i++) await store.admin.remember(longText(i), { namespace, embed: false });
    let turns = 0;
    let isDone = false;
    const answer = Promise.resolve(search(store.admin)).then((found) => {
      isDone = true;
      return found;
    });
    for (; !isDone; turns++) await nextTurn();
    expect(await answer).toBeGreaterThan(0);
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  test('searches a text only if the other conditions leave it over', async () => {
    const store = await openInMemory();
    for (let i = 0; i < 6; i++) await store.admin.remember(longText(i), { namespace, embed: false });
    let turns = 0;
    let isDone = false;
    const counting = store.admin.count({ filter: { kind: 'summary', ...filter } }).then((count) => {
      isDone = true;
      return count;
    });
    for (; !isDone; turns++) await nextTurn();
    expect(await counting).toBe(0);
    expect(turns).toBeLessThan(4);
  });

  test('counts memories that are stored, changed and forgotten meanwhile as they are in the last turn', async () => {
    const store = await openInMemory();
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push((await store.admin.remember(longText(i), { namespace, embed: false })).id);
    const counting = store.admin.count({ filter });
    await nextTurn();
    await store.admin.update(ids[0] as string, { text: pattern(3) });
    await store.admin.forget(ids[1] as string);
    for (let i = 0; i < 3; i++) await store.admin.remember(longText(i), { namespace, embed: false });
    await store.admin.remember(pattern(7), { namespace, embed: false });
    expect(await counting).toBe(7);
  });
});

test('a filter of metadata, fields and links is evaluated part by part', async () => {
  const store = await openInMemory();
  const old = await store.admin.remember('old', { namespace, key: 'k', metadata: { a: 1 } });
  const fresh = await store.admin.remember('new', { namespace, supersedes: old.id, metadata: { a: 2 } });
  const found = async (filter: Filter) =>
    (await store.admin.list({ filter, include: ['superseded'] })).items.map(({ id }) => id);
  const byMetadata: Filter = { metadata: { a: 1 } };
  expect(await found({ or: [byMetadata, { supersedes: old.id }] })).toEqual([fresh.id, old.id]);
  expect(await found({ and: [{ not: byMetadata }, { supersedes: { exists: true } }] })).toEqual([fresh.id]);
  expect(await found({ not: { or: [{ key: 'k' }, { metadata: { a: 3 } }] } })).toEqual([fresh.id]);
  expect(await found({ supersededBy: fresh.id, ...byMetadata })).toEqual([old.id]);
});

test('a long pattern is found quickly in a text that contains nearly the same pattern everywhere', async () => {
  const store = await openInMemory();
  const pattern = `${'ab'.repeat(100)}c`;
  await store.admin.remember('x', { namespace, metadata: { a: `${'ab'.repeat(10_000)}c${'ab'.repeat(100)}` } });
  await store.admin.remember('y', { namespace, metadata: { a: 'ab'.repeat(10_000) } });
  expect(await store.admin.count({ filter: { metadata: { a: { contains: pattern } } } })).toBe(1);
});
