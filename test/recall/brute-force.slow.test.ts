import fc from 'fast-check';
import { type Embedder, type Hit, MemoryStore } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/embedding/built-in/build/seeded-random';

const words = ['refund', 'card', 'invoice', 'tuesday', 'parcel', 'late', 'blue', 'train', 'garden', 'music'];
const day = 24 * 60 * 60 * 1000;
const midnight = Date.UTC(2026, 0, 1);

type Mode = 'hybrid' | 'semantic' | 'keyword';

interface Given {
  readonly text: string;
  readonly userId: string;
  readonly sessionId: string | undefined;
  readonly priority: number;
  readonly ageDays: number;
  readonly vector: Float32Array | undefined;
}

interface World {
  readonly seed: number;
  readonly dimensions: number;
  readonly count: number;
  readonly shape: 'around' | 'near' | 'against' | 'equal' | 'sparse';
  readonly share: number;
  readonly bonus: boolean;
}

const anyWorld: fc.Arbitrary<World> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  dimensions: fc.constantFrom(3, 16, 17, 48, 65, 130),
  count: fc.constantFrom(1, 63, 64, 65, 130, 300, 700),
  shape: fc.constantFrom('around', 'near', 'against', 'equal', 'sparse'),
  share: fc.constantFrom(0, 0.5, 1),
  bonus: fc.boolean(),
});

function unit(values: number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (each) => each / (length || 1));
}

function vectorOf(random: () => number, { dimensions, shape }: World, query: Float32Array): Float32Array {
  const noise = Array.from({ length: dimensions }, () => 2 * random() - 1);
  if (shape === 'around') return unit(noise);
  if (shape === 'sparse')
    return unit(noise.map((each, i) => (i === Math.floor(random() * dimensions) ? 1 : each * 1e-3)));
  const size = shape === 'equal' ? 0 : random() < 0.5 ? 1e-4 : 0.2;
  const sign = shape === 'against' ? -1 : 1;
  return unit(noise.map((each, i) => sign * (query[i] as number) + size * each));
}

function makeWorld(world: World): { readonly query: Float32Array; readonly memories: Given[] } {
  const random = seededRandom(world.seed);
  const query = unit(Array.from({ length: world.dimensions }, () => 2 * random() - 1));
  const pick = (length: number) => Math.floor(random() * length);
  const memories = Array.from({ length: world.count }, (): Given => {
    const text = Array.from({ length: 1 + pick(5) }, () => words[pick(words.length)]).join(' ');
    const bonus = world.bonus ? { priority: pick(3) / 2, ageDays: pick(90) - 10 } : { priority: 0.5, ageDays: 1 };
    const vector = random() < world.share ? vectorOf(random, world, query) : undefined;
    const sessionId = pick(3) === 0 ? undefined : `session-${pick(world.count / 8)}`;
    return { text, userId: `user-${pick(4)}`, sessionId, vector, ...bonus };
  });
  return { query, memories };
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, each, i) => sum + each * (b[i] as number), 0);
}

/** The score by the formula in the docs, with the keyword score and the context from the hit. */
function expectedScore(hit: Hit, { priority, ageDays, vector }: Given, { mode, query, asksForToday }: Asked): number {
  const share = mode === 'hybrid' ? 0.4 : 1;
  const semantic = mode === 'keyword' || vector === undefined ? 0 : Math.max(0, cosine(vector, query));
  const sum =
    0.94 * share * semantic +
    (hit.parts?.keyword ?? 0) +
    (hit.parts?.context ?? 0) +
    0.03 * 2 ** (-Math.max(0, ageDays) / 30) +
    0.03 * priority;
  return sum + (asksForToday ? 0.25 * closeness(ageDays) * (1 - sum) : 0);
}

interface Asked {
  readonly mode: Mode;
  readonly query: Float32Array;
  readonly asksForToday: boolean;
}

/** How close a memory is to the day of the question, which is asked at midnight. */
function closeness(ageDays: number): number {
  if (ageDays > 0) return Math.max(0, 1 - ageDays / 3);
  return ageDays > -1 ? 1 : Math.max(0, 1 - (-ageDays - 1) / 7);
}

describe('recall', () => {
  test('returns what comparing every memory returns', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyWorld,
        fc.constantFrom<Mode>('hybrid', 'semantic', 'keyword'),
        fc.constantFrom(1, 2, 10, 50),
        fc.constantFrom(0, 0.3, 0.6, 0.95),
        fc.constantFrom(undefined, 'user-1'),
        fc.constantFrom(0, 3, 40),
        fc.boolean(),
        async (world, mode, topK, threshold, userId, changed, asksForToday) => {
          const { query, memories } = makeWorld(world);
          const embedder: Embedder = {
            space: { model: 'test', dimensions: world.dimensions, normalized: true },
            maxTokens: 256,
            embedDocuments: async (texts) => texts.map(() => query),
            embedQuery: async () => query,
          };
          const clock = fakeClock(midnight);
          const question = asksForToday ? 'refund card late today' : 'refund card late';
          const store = await MemoryStore.inMemory({ embedder, clock });
          const inputOf = ({ text, userId, sessionId, priority, ageDays, vector }: Given, place: number) => ({
            ...{ text, userId, priority, namespace: ['n'], key: `key-${place}` },
            validFrom: new Date(clock.now() - ageDays * day),
            ...(sessionId && { sessionId }),
            ...(vector === undefined ? { embed: false as const } : { vector }),
          });
          const { results } = await store.admin.rememberMany(memories.map(inputOf));
          const byId = new Map(results.map((each, i) => [each.ok ? each.id : '', memories[i] as Given]));
          const options = {
            mode,
            explain: true,
            ...(userId && { userId }),
            ...(mode !== 'keyword' && { vector: query }),
          };
          // Searches read vectors into memory, and some of the rows change before the next search.
          const searches = [1, 2].map(() => store.admin.recall(question, { ...options, topK }));
          const changes = [...byId.keys()].slice(0, changed).map((id, place) => {
            const given = memories.at(-1 - place) as Given;
            byId.set(id, given);
            const { text, ...rest } = inputOf(given, place);
            return store.admin.remember(text, rest);
          });
          await Promise.all([...searches, ...changes]);
          const all = await store.admin.recall(question, { ...options, topK: 1_000 });
          const best = await store.admin.recall(question, { ...options, topK, threshold });
          await store.close();
          const mayHit = ({ text, vector, ...given }: Given) =>
            (userId === undefined || given.userId === userId) &&
            ((mode !== 'keyword' && vector !== undefined) ||
              (mode !== 'semantic' && /refund|card|late/.test(text)) ||
              (mode !== 'semantic' && asksForToday && closeness(given.ageDays) > 0));
          expect(all).toHaveLength([...byId.values()].filter(mayHit).length);
          for (const hit of all) {
            expect(hit.score).toBeCloseTo(
              expectedScore(hit, byId.get(hit.id) as Given, { mode, query, asksForToday }),
              5,
            );
          }
          const expected = all.filter(({ score }) => score >= threshold).slice(0, topK);
          const scores = (hits: readonly Hit[]) => hits.map(({ id, score }) => ({ id, score }));
          expect(scores(best)).toEqual(scores(expected));
        },
      ),
      { numRuns: 100 },
    );
  });
});
