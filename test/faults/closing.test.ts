import { builtInEmbedder, type Embedder, type Memory, MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test, vi } from 'vitest';
import { Audit } from '../../src/audit/audit';
import { LocalLog } from '../../src/log/local-log';
import { SpaceSwitch } from '../../src/reembedding/space-switch';
import { Checkpointer } from '../../src/state/tables/checkpointer';
import { SpaceSearch } from '../../src/vector-index/planned-search';
import { temporaryFolder } from './folders';

// Leaves time for a machine that is busy with other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const namespace = ['parcels'];

async function all(folder: string): Promise<Memory[]> {
  await using store = await MemoryStore.open(folder);
  const memories: Memory[] = [];
  for await (const memory of store.admin.list({ limit: 1000 })) memories.push(memory);
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
  return memories;
}

/** A slow embedder. */
function slow(): Embedder {
  const embedder = builtInEmbedder();
  const wait = () => new Promise((resolve) => setTimeout(resolve, 40));
  return {
    ...embedder,
    embedDocuments: async (texts, call) => wait().then(() => embedder.embedDocuments(texts, call)),
    embedQuery: async (text, call) => wait().then(() => embedder.embedQuery(text, call)),
  };
}

describe('close()', () => {
  test.each([
    ['immediately', 0],
    ['after 5 ms', 5],
    ['after 30 ms', 30],
  ])('%s, in the middle of many writes, waits for the writes that were called before it', async (_, delayMs) => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder);
    const writes = Array.from({ length: 400 }, (_, i) => store.admin.remember(`Parcel ${i} left.`, { namespace }));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const closed = store.close();
    const late = store.admin.remember('Too late.', { namespace });
    await expect(late).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const outcomes = await Promise.allSettled(writes);
    await closed;
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
    const ids = outcomes.map((outcome) => (outcome as PromiseFulfilledResult<{ id: string }>).value.id);
    expect((await all(folder)).map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test('waits for a write that is being embedded', async () => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder, { embedder: slow() });
    const writes = [
      store.admin.remember('One.', { namespace }),
      store.admin.rememberMany([{ text: 'Two.', namespace }], { atomic: true }),
    ];
    await new Promise((resolve) => setTimeout(resolve, 5));
    await store.close();
    const settled = await Promise.allSettled(writes);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await all(folder)).toHaveLength(2);
  });

  test('lets reads that are running end with their result or with STORE_CLOSED', async () => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder, { embedder: slow() });
    await store.admin.rememberMany(Array.from({ length: 3_000 }, (_, i) => ({ text: `Parcel ${i} left.`, namespace })));
    const reads: Promise<unknown>[] = [
      store.admin.recall('parcel'),
      store.admin.recall('parcel', { mode: 'keyword' }),
      store.verify(),
      store.backup(`${folder}-backup`),
      (async () => {
        for await (const _ of store.admin.list({ limit: 10 })) await new Promise((resolve) => setImmediate(resolve));
      })(),
      (async () => {
        for await (const _ of store.admin.watch({ since: 'start' }))
          await new Promise((resolve) => setImmediate(resolve));
      })(),
    ];
    const settled = Promise.allSettled(reads);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await store.close();
    for (const outcome of await settled) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toSatisfy(MemoryError.is);
      expect(outcome.reason).toMatchObject({ code: 'STORE_CLOSED' });
    }
  });

  test('stops a batch whose source is still being read, and keeps the items already stored', async () => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder);
    let given = 0;
    async function* items() {
      for (; given < 100_000; given++) {
        if (given % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
        yield { text: `Parcel ${given} left.`, namespace };
      }
    }
    let stored = 0;
    const batch = store.admin.rememberMany(items(), {
      batchSize: 50,
      onProgress: ({ done, failed }) => {
        stored = done - failed;
      },
    });
    const outcome = Promise.allSettled([batch]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await store.close();
    const [settled] = await outcome;
    if (settled?.status === 'fulfilled') stored = settled.value.stored;
    else expect(settled?.reason).toMatchObject({ code: 'STORE_CLOSED' });
    expect(given).toBeLessThan(100_000);
    expect((await all(folder)).length).toBeGreaterThanOrEqual(stored);
  });

  test('closes the store once if it is called twice at the same time, and the folder can be opened again immediately', async () => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder);
    const write = store.admin.remember('One.', { namespace });
    await Promise.all([store.close(), store.close()]);
    await write;
    const [first, second] = await Promise.all([MemoryStore.open(folder), MemoryStore.open(folder)]);
    await first.close();
    expect(await second.admin.count()).toBe(1);
    await second.close();
  });

  test.each<[string, { close(): unknown }]>([
    ['the background work', SpaceSwitch.prototype],
    ['the log', LocalLog.prototype],
    ['the vector index', SpaceSearch.prototype],
    ['the audit', Audit.prototype],
    ['the checkpointer', Checkpointer.prototype],
  ])('releases the folder even if it cannot close %s, and rejects with the error', async (_, part) => {
    const folder = temporaryFolder();
    const store = await MemoryStore.open(folder);
    await store.admin.remember('One.', { namespace });
    const close = part.close;
    const failing = vi.spyOn(part, 'close').mockImplementationOnce(async function (this: unknown) {
      await close.call(this);
      throw new Error('no close');
    });
    await expect(store.close()).rejects.toThrow('no close');
    failing.mockRestore();
    expect(await all(folder)).toHaveLength(1);
  });
});
