import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { allow, type Embedder, MemoryStore } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';

const dimensions = 8;
const words = ['refund', 'card', 'invoice', 'tuesday', 'parcel', 'late'];

// Vectors that differ by less than the rounding of their estimates, so that only exact scores order them.
const anyVector = fc
  .record({
    direction: fc.constantFrom(0, 1, 2),
    noise: fc.array(fc.double({ min: -1e-3, max: 1e-3, noNaN: true }), {
      minLength: dimensions,
      maxLength: dimensions,
    }),
  })
  .map(({ direction, noise }) => unit(noise.map((each, i) => each + (i === direction ? 1 : 0.3))));

const anyMemory = fc.record({
  text: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map((all) => all.join(' ')),
  vector: fc.option(anyVector, { nil: undefined }),
  priority: fc.constantFrom(0, 0.5, 1),
});

function unit(values: number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (each) => each / length);
}

const ones = unit(Array.from({ length: dimensions }, () => 1));
const embedder: Embedder = {
  space: { model: 'test', dimensions, normalized: true },
  maxTokens: 256,
  embedDocuments: async (texts) => texts.map(() => ones),
  embedQuery: async () => ones,
};

describe('a search of few enough memories', () => {
  test('returns exactly the best of all visible memories, in every mode', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMemory, { minLength: 1, maxLength: 60 }),
        anyVector,
        fc.constantFrom('hybrid' as const, 'semantic' as const, 'keyword' as const),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0, 0.3, 0.6),
        async (memories, vector, mode, topK, threshold) => {
          const store = await MemoryStore.inMemory({ embedder, clock: fakeClock() });
          await store.admin.rememberMany(
            memories.map(({ vector, ...rest }) => ({
              ...rest,
              namespace: ['n'],
              ...(vector === undefined ? { embed: false as const } : { vector }),
            })),
          );
          const query = {
            mode,
            threshold,
            explain: true,
            distinct: false as const,
            ...(mode === 'keyword' ? {} : { vector }),
          };
          // With room for every memory, each gets its exact score.
          const all = await store.admin.recall('refund card late', { ...query, topK: 100 });
          const best = await store.admin.recall('refund card late', { ...query, topK });
          await store.close();
          expect(best.map(({ id, score }) => ({ id, score }))).toEqual(
            all.slice(0, topK).map(({ id, score }) => ({ id, score })),
          );
          for (const { score, parts } of best) {
            expect(score).toBeCloseTo(Object.values(parts ?? {}).reduce((sum, each) => sum + each, 0));
            expect(score).toBeGreaterThanOrEqual(threshold);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('shows other readers a memory in a new namespace that was written while it ran', async () => {
    const folder = await temporaryFolder();
    const access = [allow('everyone', 'writer', ['team'])];
    const before = await MemoryStore.open(folder, { access, embedder });
    const texts = Array.from({ length: 3_000 }, (_, i) => ({ text: `note ${i}`, namespace: ['team'] }));
    await before.admin.rememberMany(texts);
    await before.close();
    const store = await MemoryStore.open(folder, { access, embedder });
    const [reader, other] = ['reader', 'other'].map((agentId) => store.as({ agentId }, { namespace: ['team'] }));
    // Nothing is in RAM yet, so that the search takes several turns of the event loop.
    const searching = reader?.recall('note 7');
    await setImmediate();
    await store.admin.remember('fresh news', { namespace: ['team', 'fresh'], embed: false });
    await searching;
    for (const handle of [reader, other]) {
      expect(await handle?.count()).toBe(3_001);
      expect((await handle?.recall('fresh news', { mode: 'keyword' }))?.map(({ text }) => text)).toEqual([
        'fresh news',
      ]);
    }
    await store.close();
  });
});
