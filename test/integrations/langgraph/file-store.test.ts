import { MemoryStore } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

// deepagents keeps the files of its agents in a store: text and bytes as `content`, with times, under the path as key. It also moves
// results of tools with more than 80,000 characters into files.
const namespace = ['assistant', 'filesystem'];

let memory: MemoryStore;
let store: MemoryHandleStore;
beforeEach(async () => {
  memory = await MemoryStore.inMemory();
  store = new MemoryHandleStore(memory.admin);
});
afterEach(() => memory.close());

const file = (content: unknown, mimeType = 'text/plain') => ({
  content,
  mimeType,
  created_at: '2026-01-01T00:00:00.000Z',
  modified_at: '2026-01-01T00:00:00.000Z',
});
const contentOf = async (path: string) => (await store.get(namespace, path))?.value.content;
const keys = (items: readonly { key: string }[]) => items.map(({ key }) => key);

describe('bytes', () => {
  test.each([
    [new Uint8Array([0, 1, 255])],
    [new Uint8Array(0)],
    [new Uint8ClampedArray([7])],
    [new Int8Array([-1])],
    [new Int16Array([-2, 300])],
    [new Uint16Array([65_535])],
    [new Int32Array([-70_000])],
    [new Uint32Array([4_000_000_000])],
    [new Float32Array([1.5, Number.NaN])],
    [new Float64Array([0.1])],
    [new BigInt64Array([-1n])],
    [new BigUint64Array([2n ** 63n])],
  ])('are returned unchanged: %o', async (content) => {
    await store.put(namespace, '/a.bin', file(content));
    const read = await contentOf('/a.bin');
    expect(read).toEqual(content);
    expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(content));
  });

  test('of a Buffer, or of part of a buffer, are returned as a new Uint8Array', async () => {
    const part = new Uint8Array(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2);
    await store.put(namespace, '/a.bin', { list: [Buffer.from([1, 2]), { part }] });
    const list: unknown = (await store.get(namespace, '/a.bin'))?.value.list;
    expect(list).toEqual([new Uint8Array([1, 2]), { part: new Uint8Array([1, 2]) }]);
    expect((list as [Uint8Array])[0].buffer.byteLength).toBe(2);
  });

  test('are not confused with an object that looks like stored bytes', async () => {
    const content = { $langgraph: 'Uint8Array', base64: 'AQI=', inner: { $langgraph: 1 } };
    await store.put(namespace, '/a.json', { content });
    expect(await contentOf('/a.json')).toEqual(content);
  });

  test('are not indexed, but the other fields of their value are', async () => {
    await store.put(namespace, '/bird.png', { name: 'puffin', content: new Uint8Array(60).fill(97) });
    const [stored] = (await memory.admin.list()).items;
    expect(JSON.parse(stored?.text ?? '')).toEqual({ name: 'puffin' });
    expect(keys(await store.search(namespace, { query: 'puffin' }))).toEqual(['/bird.png']);
    expect(keys(await store.search(namespace, { filter: { name: 'puffin' } }))).toEqual(['/bird.png']);
    expect(keys(await store.search(namespace, { filter: { content: new Uint8Array(60).fill(97) } }))).toHaveLength(1);
  });
});

describe('a value of more than 64 kB', () => {
  const long = `${'line of a log\n'.repeat(10_000)}a puffin at the end`;

  test('is returned by get and search, revised and deleted like a shorter value', async () => {
    await store.put(namespace, '/large_tool_results/1.txt', file(long));
    expect(await contentOf('/large_tool_results/1.txt')).toBe(long);
    expect((await store.search(namespace))[0]?.value).toEqual(file(long));
    await store.put(namespace, '/large_tool_results/1.txt', file('short'));
    expect(await contentOf('/large_tool_results/1.txt')).toBe('short');
    expect((await store.search(namespace, { filter: { content: 'short' } }))[0]?.value).toEqual(file('short'));
    await store.put(namespace, '/large_tool_results/1.txt', file(long));
    await store.delete(namespace, '/large_tool_results/1.txt');
    expect(await store.search(namespace)).toEqual([]);
    expect(await memory.admin.count()).toBe(0);
  });

  test('is found by every filter, together with short values', async () => {
    await store.put(namespace, 'short', { ...file('x'), n: 1 });
    await store.put(namespace, 'long', { ...file(long), n: 2 });
    const find = async (filter: Record<string, unknown>) => keys(await store.search(namespace, { filter })).join(' ');
    expect(await find({ mimeType: 'text/plain' })).toBe('short long');
    expect(await find({ n: 2 })).toBe('long');
    expect(await find({ n: { $lt: 2 } })).toBe('short');
    expect(await find({ n: { $ne: 1 } })).toBe('long');
    expect(await find({ $or: [{ n: 1 }, { content: long }] })).toBe('short long');
    expect(await find({ $not: { n: 2 } })).toBe('short');
    expect(await find({ missing: { $exists: false } })).toBe('short long');
    expect(await find({ missing: 'x' })).toBe('');
  });

  test('is found by its words, unless it is stored without an index', async () => {
    await store.put(namespace, 'indexed', file(long));
    await store.put(namespace, 'unindexed', file(long), false);
    await store.put(namespace, 'bytes', file(new Uint8Array(100_000), 'image/png'));
    await store.put(namespace, 'other', file('no bird'));
    const found = await store.search(namespace, { query: 'puffin' });
    expect(found[0]).toMatchObject({ key: 'indexed', score: expect.any(Number) });
    const scores = Object.fromEntries(found.map(({ key, score }) => [key, score]));
    expect(Object.keys(scores).sort()).toEqual(['bytes', 'indexed', 'other', 'unindexed']);
    expect([scores.bytes, scores.unindexed]).toEqual([undefined, undefined]);
    expect((await store.get(namespace, 'bytes'))?.value.content).toEqual(new Uint8Array(100_000));
  });

  test('makes get reject with RECORD_DAMAGED if other code has changed its text', async () => {
    await store.put(namespace, 'a', file(long));
    const [stored] = (await memory.admin.list()).items;
    await memory.admin.update(stored?.id ?? '', { text: 'changed' });
    await expect(store.get(namespace, 'a')).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
    await store.put(namespace, 'a', file('again'));
    expect(await contentOf('a')).toBe('again');
  });

  test('of more than 1 MB is rejected', async () => {
    const rejected = store.put(namespace, 'a', file('x'.repeat(1_000_001)));
    await expect(rejected).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: ['value'] }] });
  });
});

test('a folder of 250 files is listed page by page and deleted in one batch', async () => {
  for (let i = 0; i < 250; i++) await store.put(namespace, `/notes/${i}.md`, file(`note ${i}`), false);
  const listed = new Set<string>();
  for (let offset = 0; ; offset += 100) {
    const page = await store.search(namespace, { limit: 100, offset });
    for (const { key } of page) listed.add(key);
    if (page.length < 100) break;
  }
  expect(listed.size).toBe(250);
  await store.batch([...listed].map((key) => ({ namespace, key, value: null })));
  expect(await store.search(namespace)).toEqual([]);
});
