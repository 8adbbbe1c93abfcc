import fc from 'fast-check';
import { allow, type Embedder, type Hit, type MemoryHandle, MemoryStore, type Rule } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';

const dimensions = 8;
const words = ['refund', 'card', 'invoice', 'tuesday', 'parcel', 'late'];
const day = 24 * 60 * 60 * 1000;

const anyVector = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: dimensions, maxLength: dimensions })
  .map((values) => unit(values.map((each, i) => each + (i === 0 ? 0.4 : 0))));

const anyTurn = fc.record({
  text: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map((all) => all.join(' ')),
  vector: fc.option(anyVector, { nil: undefined, freq: 8 }),
  priority: fc.constantFrom(0, 0.5, 1),
  sessionId: fc.constantFrom(undefined, 'one', 'one', 'two', 'three'),
  userId: fc.constantFrom(undefined, undefined, undefined, 'user'),
  namespace: fc.constantFrom(['n'], ['n'], ['n', 'other']),
  ageDays: fc.integer({ min: 0, max: 3 }),
});

function unit(values: number[]): Float32Array {
  const length = Math.hypot(...values) || 1;
  return Float32Array.from(values, (each) => each / length);
}

const ones = unit(Array.from({ length: dimensions }, () => 1));
const embedder: Embedder = {
  space: { model: 'test', dimensions, normalized: true },
  maxTokens: 256,
  embedDocuments: async (texts) => texts.map(() => ones),
  embedQuery: async () => ones,
};

/** The scores by the formula in the docs, from the scores of each memory by itself and all memories in the order of writing. */
function expectedScores(alone: readonly Hit[], written: readonly { id: string; session: string; at: number }[]) {
  const relevance = new Map(
    alone.map(({ id, parts }) => [id, ((parts?.semantic ?? 0) + (parts?.keyword ?? 0)) / 0.94]),
  );
  return alone.map(({ id, score, parts }) => {
    const own = relevance.get(id) as number;
    const { session } = written.find((each) => each.id === id) as (typeof written)[number];
    const turns = written.filter((each) => each.session === session).sort((a, b) => a.at - b.at);
    if (session === '' || turns.length === 1) return { id, score, hasContext: false };
    const of = (place: number) => relevance.get(turns[place]?.id ?? '') ?? 0;
    const place = turns.findIndex((each) => each.id === id);
    const best = Math.max(...turns.map((_, i) => of(i)));
    const neighbor = Math.max(of(place - 1), of(place + 1), 0.8 * of(place - 2), 0.8 * of(place + 2));
    const shared = (own + best) / 2;
    const sum = score - (parts?.time ?? 0) + 0.94 * (shared + (1 - shared) * 0.35 * neighbor - own);
    // What is missing to 1 is less with the context, so the part for the time is less, too.
    const time = parts?.time ?? 0;
    return { id, score: time === 0 ? sum : sum + (time / (1 - score + time)) * (1 - sum), hasContext: true };
  });
}

const idOf = (result: unknown) => (result as { id: string }).id;
const sumOf = ({ parts }: Hit) => Object.values(parts ?? {}).reduce((sum, each) => sum + each, 0);

describe('the context of a session', () => {
  test('gives each memory the score of the formula, and finds exactly the best, in every mode', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyTurn, { minLength: 1, maxLength: 40 }),
        anyVector,
        fc.constantFrom('hybrid' as const, 'semantic' as const, 'keyword' as const),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0, 0.3, 'likely' as const),
        fc.boolean(),
        fc.constantFrom('refund card late', 'refund card late', 'refund card late two days ago'),
        async (turns, vector, mode, topK, threshold, isFiltered, question) => {
          const clock = fakeClock();
          const store = await MemoryStore.inMemory({ embedder, clock });
          const inputs = turns.map(({ vector, ageDays, sessionId, userId, ...rest }) => ({
            ...rest,
            ...(sessionId && { sessionId }),
            ...(userId && { userId }),
            validFrom: new Date(clock.now() - ageDays * day),
            ...(vector === undefined ? { embed: false as const } : { vector }),
          }));
          const { results } = await store.admin.rememberMany(inputs);
          const query = {
            ...{ mode, explain: true, distinct: false as const },
            ...(mode !== 'keyword' && { vector }),
            ...(isFiltered && { filter: { priority: { gte: 0.5 } } }),
          };
          const ask = (options: object) => store.admin.recall(question, { ...query, ...options });
          const alone = await ask({ topK: 100, context: false });
          const [all, best] = [await ask({ topK: 100 }), await ask({ topK, threshold })];
          await store.close();
          const written = turns.flatMap(({ sessionId = '', userId, namespace, ageDays, priority }, i) =>
            isFiltered && priority < 0.5
              ? []
              : [
                  {
                    id: idOf(results[i]),
                    session: sessionId && JSON.stringify([sessionId, userId ?? '', namespace]),
                    at: -ageDays,
                  },
                ],
          );
          const expected = new Map(expectedScores(alone, written).map((each) => [each.id, each]));
          expect(new Set(all.map(({ id }) => id))).toEqual(new Set(alone.map(({ id }) => id)));
          for (const hit of all) {
            const { score, hasContext } = expected.get(hit.id) as { score: number; hasContext: boolean };
            expect(hit.score).toBeCloseTo(score, 9);
            expect(hit.parts && 'context' in hit.parts).toBe(hasContext);
            expect(sumOf(hit)).toBeCloseTo(hit.score, 9);
            expect(hit.score).toBeLessThanOrEqual(1);
          }
          const scores = (hits: readonly Hit[]) => hits.map(({ id, score }) => ({ id, score }));
          const isAbove = ({ score, parts: { semantic = 0, keyword = 0 } = { recency: 0, priority: 0 } }: Hit) =>
            threshold === 'likely' ? semantic + keyword >= (mode === 'semantic' ? 0.46 : 0.42) : score >= threshold;
          expect(scores(best)).toEqual(scores(all.filter(isAbove)).slice(0, topK));
        },
      ),
      { numRuns: 12 },
    );
  });

  test('finds the best among long sessions, most of which it need not compare', async () => {
    const anyLongSession = fc.array(anyTurn, { minLength: 8, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLongSession, { minLength: 8, maxLength: 20 }),
        anyVector,
        async (sessions, vector) => {
          const store = await MemoryStore.inMemory({ embedder });
          const turns = sessions.flatMap((all, number) =>
            all.map(({ text, vector: own }) => ({
              text,
              vector: own ?? ones,
              sessionId: `s${number}`,
              namespace: ['n'],
            })),
          );
          const { results } = await store.admin.rememberMany(turns);
          const written = turns.map(({ sessionId: session }, i) => ({ id: idOf(results[i]), session, at: 0 }));
          for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
            const options = { mode, explain: true, distinct: false as const, ...(mode !== 'keyword' && { vector }) };
            const ask = (more: object) => store.admin.recall('refund card late', { ...options, ...more });
            const expected = expectedScores(await ask({ topK: turns.length, context: false }), written);
            const highest = expected.map(({ score }) => score).sort((one, other) => other - one);
            const best = await ask({ topK: 3 });
            expect(highest.length).toBeGreaterThan(2);
            expect(best).toHaveLength(3);
            best.forEach(({ score }, i) => void expect(score).toBeCloseTo(highest[i] as number, 9));
          }
          await store.close();
        },
      ),
      { numRuns: 4 },
    );
  });

  test('lets a turn that shares no word with the question come before one that shares a common word', async () => {
    const { store, handle } = await chat();
    const found = async (context: boolean) =>
      (await handle.recall('Where did Ines buy the violin?', { mode: 'hybrid', context, topK: 2 })).map(
        ({ text }) => text,
      );
    expect(await found(false)).not.toContain('In a small shop in Lyon.');
    expect(await found(true)).toContain('In a small shop in Lyon.');
    await store.close();
  });

  test('is the same whether or not the session has turns that the reader may not see', async () => {
    const asked = async (hidden: boolean) => {
      const { store, handle, at } = await chat([allow({ agentId: 'reader' }, 'reader', ['chat'])]);
      // Between the question and its answer, and in the same session.
      const place = { namespace: ['chat'], sessionId: 's', validFrom: at(0.5) };
      if (hidden) {
        await handle.remember('Ines bought the violin where?', { ...place, accessTags: ['secret'] });
        await handle.remember('The violin of Ines!', { ...place, visibility: 'private' });
        await handle.remember('Where did Ines buy the violin?', { ...place, namespace: ['hidden'] });
      }
      const reader = store.as({ agentId: 'reader' });
      const hits = await reader.recall('Where did Ines buy the violin?', { namespace: ['chat'], explain: true });
      await store.close();
      return hits.map(({ text, score, parts }) => ({ text, score, parts }));
    };
    expect(await asked(true)).toEqual(await asked(false));
  });
});

async function chat(access: readonly Rule[] = []) {
  const clock = fakeClock();
  const store = await MemoryStore.inMemory({ access, clock });
  const handle: MemoryHandle = store.admin;
  const start = clock.now();
  const at = (minute: number) => new Date(start - (60 - minute) * 60_000);
  const turns: readonly [session: string, text: string][] = [
    ['s', 'I heard that Ines plays the violin now. Where did she buy it?'],
    ['s', 'In a small shop in Lyon.'],
    ['t', 'Where did you put the keys?'],
    ['t', 'They are in the drawer.'],
    ['t', 'We did not buy milk.'],
  ];
  for (const [minute, [sessionId, text]] of turns.entries())
    await handle.remember(text, { namespace: ['chat'], sessionId, validFrom: at(minute) });
  return { store, handle, at };
}
