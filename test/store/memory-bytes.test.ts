import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { allow, MemoryStore, type NewMemory } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { ColumnStore } from '../../src/state/read-model';
import { memoryShares } from '../../src/store/composition/memory-shares';
import { unitVector } from './memory-vectors';

const access = [allow('everyone', 'curator', [])];
const dimensions = 64;

const memories = (count: number): NewMemory[] =>
  Array.from({ length: count }, (_, i) => ({
    text: `note ${i} about ${['invoices', 'refunds', 'parcels'][i % 3]}`,
    namespace: ['team'],
    vector: unitVector(i, dimensions),
    userId: `user ${i % 40}`,
    tags: [`tag ${i % 7}`],
  }));

const embedder = {
  space: { model: 'test', dimensions, normalized: true },
  maxTokens: 512,
  embedDocuments: async (texts: readonly string[]) => texts.map((text) => unitVector(text.length, dimensions)),
  embedQuery: async (text: string) => unitVector(text.length, dimensions),
};

async function storeWith(count: number, options: { memoryBytes?: number; exactUpTo?: number } = {}) {
  const store = await MemoryStore.inMemory({ access, embedder, audit: { reads: 'off' }, ...options });
  const { stored } = await store.as({ agentId: 'writer' }).rememberMany(memories(count), { batchSize: 5_000 });
  expect(stored).toBe(count);
  return store;
}

describe('memoryBytes', () => {
  test('divides the RAM so that the shares never exceed it, and takes from the vectors what columns need', () => {
    for (const memoryBytes of [0, 1_000, 64 * 2 ** 20, 2 ** 30]) {
      const { vectors, ...others } = memoryShares(memoryBytes, 0);
      const sum = Object.values(others).reduce((total, share) => total + share, vectors + memoryBytes / 8);
      expect(sum).toBeLessThanOrEqual(memoryBytes);
    }
    const million = memoryShares(768 * 2 ** 20, 90e6);
    expect(million.vectors).toBeGreaterThan(1e6 * 460);
    expect(memoryShares(64 * 2 ** 20, 90e6).vectors).toBe(0);
  });

  test('finds the same hits in the same order, however little it is', async () => {
    const ask = async (memoryBytes: number) => {
      const store = await storeWith(1_500, { memoryBytes });
      const reader = store.as({ agentId: 'reader' });
      const answers = [];
      for (const [query, scope] of [
        ['refunds', {}],
        ['invoices and parcels', { userId: 'user 3' }],
        ['note 7', { tags: ['tag 2'] }],
      ] as const) {
        for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
          const hits = await reader.recall(query, { mode, vector: unitVector(5, dimensions), ...scope });
          answers.push(hits.map(({ text, score }) => `${text} ${score}`));
        }
        answers.push([String(await reader.count(scope))]);
      }
      const { memory } = await store.stats();
      await store.close();
      return { answers, memory };
    };
    const [nothing, little, plenty] = [await ask(0), await ask(100_000), await ask(2 ** 28)];
    expect(nothing.answers).toEqual(plenty.answers);
    expect(little.answers).toEqual(plenty.answers);
    expect(nothing.memory.vectorBytes).toBeLessThan(plenty.memory.vectorBytes);
    expect(nothing.memory.visibleSetBytes + nothing.memory.postingBytes + nothing.memory.labelSetBytes).toBe(0);
  });

  test('bounds the visible sets of many readers', async () => {
    const memoryBytes = 2 ** 20;
    const store = await storeWith(2_000, { memoryBytes });
    for (let i = 0; i < 40; i++) await store.as({ agentId: `reader ${i}` }, { userId: `user ${i}` }).count();
    for (let i = 0; i < 120; i++) await store.as({ agentId: `reader ${i}` }, { tags: [`tag ${i % 7}`] }).count();
    const { visibleSetBytes } = (await store.stats()).memory;
    expect(visibleSetBytes).toBeGreaterThan(0);
    expect(visibleSetBytes).toBeLessThanOrEqual(memoryBytes / 16);
    await store.close();
  });

  test('replaces `vectorMemoryBytes`, which is refused with the name of the new option', async () => {
    const refused = MemoryStore.inMemory({ vectorMemoryBytes: 1 } as never);
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('memoryBytes'),
    });
  });
});

/** The bytes of all array buffers of this process that are in use. */
function arrayBufferBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().arrayBuffers;
}

describe('stats().memory', () => {
  test('counts what the arrays of vectors and columns take', async () => {
    const count = 6_000;
    const store = await storeWith(count);
    await store.as({ agentId: 'reader' }).recall('refunds', { vector: unitVector(5, dimensions) });
    await store.as({ agentId: 'reader' }).recall('parcels');
    const { memory } = await store.stats();
    const { limitBytes, totalBytes, ...parts } = memory;
    expect(limitBytes).toBe(768 * 2 ** 20);
    expect(totalBytes).toBe(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0));
    for (const [part, bytes] of Object.entries(parts)) expect([part, bytes > 0]).toEqual([part, true]);
    // A byte for each dimension, a bit for its sign, and bookkeeping. The memory grows by a quarter at a time.
    expect(memory.vectorBytes).toBeGreaterThan(count * (dimensions + dimensions / 8));
    expect(memory.vectorBytes).toBeLessThan(2 * count * (dimensions + dimensions / 8 + 40) + 2 ** 20);
    // Each memory has a user, an agent and a tag.
    expect(memory.columnBytes).toBeGreaterThan(count * (55 + 8 + 12 + 12 + 20));
    expect(memory.columnBytes).toBeLessThan(2 * count * (55 + 8 + 12 + 12 + 20));
    await store.close();
  });

  test('counts what the process allocates for the columns', () => {
    const given = {
      labelSet: 1,
      owner: 0,
      author: 1,
      channel: 1,
      active: true,
      chunks: 1,
      length: 1,
      validFrom: 0,
      expiresAt: 1,
      priority: 1,
      createdAt: 1,
      kind: 'episodic' as const,
      pinned: false,
    };
    const count = 50_000;
    const columns = new ColumnStore();
    const [empty, before] = [columns.bytes, arrayBufferBytes()];
    for (let row = 1; row <= count; row++) {
      const fields = { userId: `u${row % 9}`, sessionId: `s${row % 500}`, agentId: 'a', tags: ['t', `t${row % 5}`] };
      columns.apply({ row, columns: { ...given, ...fields } });
    }
    const grown = arrayBufferBytes() - before;
    // All but some 500 short texts is in array buffers.
    expect((columns.bytes - empty) / grown).toBeGreaterThan(0.97);
    expect((columns.bytes - empty) / grown).toBeLessThan(1.03);
    // 55 bytes of values, 8 for the list of the label set, 12 for each field and 20 for each tag, with room for growth.
    expect(columns.bytes).toBeGreaterThan(count * (55 + 8 + 3 * 12 + 2 * 20));
    expect(columns.bytes).toBeLessThan(2 * count * (55 + 8 + 3 * 12 + 2 * 20));
  });
});
