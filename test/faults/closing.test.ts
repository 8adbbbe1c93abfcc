import { builtInEmbedder, type Embedder, type Memory, MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from './folders';

// Disks and processors that others use too may take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const namespace = ['parcels'];

async function all(folder: string): Promise<Memory[]> {
  await using store = await MemoryStore.open(folder);
  const memories: Memory[] = [];
  for await (const memory of store.admin.list({ limit: 1000 })) memories.push(memory);
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
  return memories;
}

/** An embedder that takes its time. */
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
    ['at once', 0],
    ['after a while', 5],
    ['later', 30],
  ])('%s in the middle of many writes waits for those that were asked for before it', async (_, delayMs) => {
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

  test('waits for a write whose embedding is under way', async () => {
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

  test('leaves reads that are under way with their answer, or with STORE_CLOSED', async () => {
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

  test('ends a batch that is still being read: what it stored is there, and the rest is refused', async () => {
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

  test('called by two at once closes once, and the folder opens again right after', async () => {
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
});
