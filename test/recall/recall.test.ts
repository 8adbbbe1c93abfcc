import fc from 'fast-check';
import { builtInEmbedder, type Hit, type MemoryHandle, type NewMemory, type RecallOptions } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';
import { matches } from './filter-reference';

const namespace = ['support'];
const day = 24 * 60 * 60 * 1000;
const modes = ['hybrid', 'semantic', 'keyword'] as const;
const topics = ['apple', 'banana', 'cherry', 'damson', 'elder'];

const text = fc.array(fc.constantFrom(...topics), { minLength: 1, maxLength: 5 }).map((words) => words.join(' '));
const memory: fc.Arbitrary<Omit<NewMemory, 'namespace'>> = fc.record(
  {
    text,
    priority: fc.constantFrom(0, 0.25, 0.5, 1),
    validFrom: fc.integer({ min: Date.UTC(2025, 6), max: Date.UTC(2026, 6) }),
    tags: fc.constantFrom<string[]>(['x'], ['x', 'y'], []),
    userId: fc.constantFrom('u1', 'u2'),
    embed: fc.constant(false as const),
    metadata: fc.record({ a: fc.nat(3) }),
  },
  { requiredKeys: ['text'] },
);
const selection: fc.Arbitrary<RecallOptions> = fc.constantFrom<RecallOptions>(
  {},
  { userId: 'u1' },
  { tags: ['x', 'y'] },
  { during: { from: Date.UTC(2025, 10), to: Date.UTC(2026, 2) } },
  { during: { to: Date.UTC(2025, 11) }, filter: { priority: { gte: 0.5 } } },
  { filter: { metadata: { a: { lt: 2 } } } },
  { filter: { priority: { gte: 0.5 }, not: { userId: 'u2' } } },
  { filter: { or: [{ tags: 'y' }, { metadata: { a: 3 } }] } },
);

/** A store with these memories, in which time stands still once they are written. */
async function filled(memories: readonly Omit<NewMemory, 'namespace'>[], msBetween = 0) {
  const clock = fakeClock();
  const store = await openInMemory({ clock });
  for (const { text: content, ...options } of memories) {
    await store.admin.remember(content, { ...options, namespace });
    clock.advance(msBetween);
  }
  return store;
}

function inOrder(a: Hit, b: Hit): number {
  return b.score - a.score || b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? -1 : 1);
}

describe('recall', () => {
  test('returns the topK best matching memories, for any selection', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(memory, { maxLength: 40 }),
        text,
        fc.constantFrom(...modes),
        selection,
        fc.integer({ min: 1, max: 12 }),
        async (memories, query, mode, selected, topK) => {
          const store = await filled(memories);
          const { items } = await store.admin.list({ ...selected, limit: 1_000 });
          const sharesWord = (each: string) => query.split(' ').some((word) => each.split(' ').includes(word));
          const embedded = await semanticIds(store.admin);
          const found = items.filter(({ id, text: content }) => {
            if (mode === 'semantic') return embedded.has(id);
            return (mode === 'hybrid' && embedded.has(id)) || sharesWord(content);
          });
          const everything = await store.admin.recall(query, { ...selected, mode, topK: 1_000, distinct: false });
          expect(everything.map(({ id }) => id).sort()).toEqual(found.map(({ id }) => id).sort());
          expect(everything).toEqual([...everything].sort(inOrder));
          const hits = await store.admin.recall(query, { ...selected, mode, topK, distinct: false });
          expect(hits).toEqual(everything.slice(0, topK));
          await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('finds the best among very many memories with equal texts that differ in recency or priority', async () => {
    const store = await filled(
      Array.from({ length: 400 }, (_, i) => ({
        text: 'the customer called about the refund',
        priority: ((i * 37) % 400) / 400,
        validFrom: Date.UTC(2025, 0) + ((i * 61) % 400) * day,
      })),
    );
    for (const mode of modes) {
      const everything = await store.admin.recall('refund', { mode, topK: 1_000, distinct: false });
      expect(everything).toHaveLength(400);
      for (const topK of [1, 5, 50]) {
        expect(await store.admin.recall('refund', { mode, topK, distinct: false })).toEqual(everything.slice(0, topK));
      }
    }
  });

  test('orders equal scores by creation time, newest first, and then by id', async () => {
    const store = await openInMemory({ clock: fakeClock() });
    for (let i = 0; i < 100; i++) await store.admin.remember('the same', { namespace, validFrom: new Date(5) });
    const ids = (await store.admin.recall('same', { topK: 10, distinct: false })).map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    const ticking = await filled(
      Array.from({ length: 100 }, () => ({ text: 'the same', validFrom: new Date(5) })),
      1,
    );
    const times = (await ticking.admin.recall('same', { topK: 10, distinct: false })).map(({ createdAt }) =>
      createdAt.getTime(),
    );
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  test('sees every write, update and forget immediately', async () => {
    const store = await openInMemory();
    for (let i = 0; i < 20; i++) {
      const { id } = await store.admin.remember(`apple number n${i}`, { namespace });
      for (const mode of modes) expect((await store.admin.recall(`n${i} apple`, { mode, topK: 1 }))[0]?.id).toBe(id);
      await store.admin.update(id, { text: `banana m${i}` });
      for (const mode of modes) expect((await store.admin.recall(`banana m${i}`, { mode, topK: 1 }))[0]?.id).toBe(id);
      await store.admin.forget(id);
      for (const mode of modes) expect(await store.admin.recall(`banana m${i}`, { mode })).toEqual([]);
    }
  });

  test('returns bit-identical results in a second store that received the same writes', async () => {
    const memories = fc.sample(memory, { numRuns: 60, seed: 11 });
    const answers = async () => {
      const store = await filled(memories);
      const found: unknown[] = [];
      for (const mode of modes) {
        for (const query of ['apple', 'cherry banana', 'elder apple apple damson']) {
          found.push(await store.admin.recall(query, { mode, explain: true, topK: 30, distinct: false }));
          found.push(
            await store.admin.recall(query, { mode, explain: true, filter: { userId: { ne: 'u1' } }, distinct: false }),
          );
        }
      }
      found.push(await store.admin.list({ limit: 7 }), await store.admin.namespaces());
      return JSON.stringify(found);
    };
    const first = await answers();
    expect(await answers()).toBe(first);
  });

  test('defaults to 10 hits in hybrid mode', async () => {
    const store = await filled(Array.from({ length: 15 }, (_, i) => ({ text: `apple ${i}` })));
    const hits = await store.admin.recall('apple');
    expect(hits).toHaveLength(10);
    expect(hits).toEqual(await store.admin.recall('apple', { mode: 'hybrid', topK: 10, threshold: 0, explain: false }));
    for (const hit of hits) expect(hit).not.toHaveProperty('parts');
  });

  test('in keyword mode finds the memories that share a word with the query, and nothing if the query has no words', async () => {
    const store = await filled(topics.map((topic) => ({ text: `${topic} pie` })));
    expect(await store.admin.recall('zucchini', { mode: 'keyword' })).toEqual([]);
    expect(await store.admin.recall('?!', { mode: 'keyword' })).toEqual([]);
    expect(await store.admin.recall('apple', { mode: 'keyword' })).toHaveLength(1);
    expect(await store.admin.recall('pie', { mode: 'keyword' })).toHaveLength(5);
  });

  test('searches with a given vector instead of embedding the query', async () => {
    const store = await filled(topics.map((topic) => ({ text: topic })));
    const [vector] = await builtInEmbedder().embedDocuments(['cherry'], {});
    const [best] = await store.admin.recall('no such word', {
      vector: vector as Float32Array,
      mode: 'semantic',
      explain: true,
    });
    expect(best?.text).toBe('cherry');
    expect(best?.parts?.semantic).toBeCloseTo(0.94, 5);
    // Only its direction counts. A power of two, so that no number is rounded.
    const longer = (vector as Float32Array).map((x) => x * 64);
    expect(await store.admin.recall('x', { vector: longer, mode: 'semantic' })).toEqual(
      await store.admin.recall('x', { vector: vector as Float32Array, mode: 'semantic' }),
    );
  });

  test('finds a memory by the vector that its writer passed, and never finds a memory without a vector by meaning', async () => {
    const store = await openInMemory();
    const [vector] = await builtInEmbedder().embedDocuments(['banana'], {});
    const { id } = await store.admin.remember('yellow fruit', { namespace, vector: vector as Float32Array });
    await store.admin.remember('banana', { namespace, embed: false });
    expect((await store.admin.recall('banana', { mode: 'semantic' })).map((hit) => hit.id)).toEqual([id]);
    expect((await store.admin.recall('banana', { mode: 'keyword' })).map((hit) => hit.text)).toEqual(['banana']);
    expect(await store.admin.recall('banana')).toHaveLength(2);
  });

  test('finds a long text by its best chunk', async () => {
    const store = await openInMemory();
    const filler = 'The weather report mentions rain, sun and wind in turn. '.repeat(400);
    const { id } = await store.admin.remember(`${filler} My passport number is X1234567. ${filler}`, { namespace });
    for (let i = 0; i < 5; i++) await store.admin.remember(`Other note ${i} on rain.`, { namespace });
    const [best] = await store.admin.recall('passport number X1234567', { mode: 'semantic', topK: 1 });
    expect(best?.id).toBe(id);
  });

  test('returns every field of each memory in its hits', async () => {
    const store = await filled([{ text: 'apple', tags: ['x'], metadata: { a: { b: [1] } } }]);
    const [hit] = await store.admin.recall('apple');
    const { score, ...rest } = hit as Hit;
    expect(rest).toEqual(await store.admin.get(rest.id));
    expect(score).toBeGreaterThan(0);
  });

  test('rejects when its signal is aborted before or during the search', async () => {
    const store = await filled([{ text: 'apple' }]);
    const reason = new Error('Enough.');
    for (const mode of modes) {
      await expect(store.admin.recall('apple', { mode, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    }
    const controller = new AbortController();
    const call = store.admin.recall('banana', { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

async function semanticIds(handle: MemoryHandle): Promise<Set<string>> {
  return new Set((await handle.recall('x', { mode: 'semantic', topK: 1_000, distinct: false })).map(({ id }) => id));
}

/** A search for fewer hits verifies fewer of them. */
function withoutSearch(hits: readonly Hit[]) {
  return hits.map(({ search: _, ...hit }) => hit);
}

describe('a score', () => {
  test('is from 0 to 1, is exactly the sum of its parts, and is at least the threshold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(memory, { minLength: 1, maxLength: 15 }),
        text,
        fc.constantFrom(...modes),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (memories, query, mode, threshold) => {
          const store = await filled(memories);
          const hits = await store.admin.recall(query, { mode, explain: true, topK: 100, distinct: false });
          for (const { score, parts } of hits) {
            expect(score).toBeGreaterThanOrEqual(0);
            expect(score).toBeLessThanOrEqual(1);
            const { semantic, keyword, recency, priority } = parts ?? { recency: Number.NaN, priority: Number.NaN };
            expect((semantic ?? 0) + (keyword ?? 0) + recency + priority).toBe(score);
            for (const part of [semantic ?? 0, keyword ?? 0, recency, priority]) expect(part).toBeGreaterThanOrEqual(0);
            expect(semantic === undefined).toBe(mode === 'keyword');
            expect(keyword === undefined).toBe(mode === 'semantic');
          }
          const above = await store.admin.recall(query, { mode, explain: true, topK: 100, threshold, distinct: false });
          expect(withoutSearch(above)).toEqual(withoutSearch(hits.filter(({ score }) => score >= threshold)));
          const few = await store.admin.recall(query, { mode, explain: true, topK: 3, threshold, distinct: false });
          expect(withoutSearch(few)).toEqual(withoutSearch(above.slice(0, 3)));
          await store.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  test('stays within 0 and 1 for extreme inputs', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const embedder = builtInEmbedder();
    const [vector] = (await embedder.embedDocuments(['apple'], {})) as [Float32Array];
    await store.admin.remember('apple', { namespace, priority: 1, validFrom: clock.now() + 365 * day, vector });
    await store.admin.remember('opposite', {
      namespace,
      priority: 0,
      validFrom: new Date(0),
      vector: vector.map((x) => -x),
    });
    for (const mode of modes) {
      const hits = await store.admin.recall('apple', { mode });
      expect(hits[0]?.score).toBeLessThanOrEqual(1);
      expect(hits.at(-1)?.score).toBeGreaterThanOrEqual(0);
    }
    const [best] = await store.admin.recall('apple', { mode: 'semantic' });
    expect(best?.score).toBeCloseTo(1, 6);
  });

  /** The README's formula, by the book. */
  test('follows the documented formula', async () => {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const texts = ['apple banana', 'apple apple cherry damson elder', 'banana', 'cherry cherry cherry', 'elder'];
    const ages = [0, 15, 30, 60, 90];
    for (const [i, each] of texts.entries()) {
      const validFrom = clock.now() - (ages[i] as number) * day;
      await store.admin.remember(each, { namespace, validFrom, priority: i / 4 });
    }
    const query = 'apple cherry';
    const embedder = builtInEmbedder();
    const vectors = await embedder.embedDocuments(texts, {});
    const asked = await embedder.embedQuery(query, {});
    const hits = await store.admin.recall(query, { explain: true, topK: 5 });
    expect(hits).toHaveLength(5);
    for (const { text: content, parts } of hits) {
      const i = texts.indexOf(content);
      const cosine = (vectors[i] as Float32Array).reduce((sum, x, d) => sum + x * (asked[d] as number), 0);
      const bm25 = bm25Of(query, i, texts);
      const keyword = bm25 / (bm25 + Math.log(2 * texts.length + 2));
      expect(parts?.semantic).toBeCloseTo(0.94 * 0.4 * Math.max(0, cosine), 5);
      expect(parts?.keyword).toBeCloseTo(0.94 * 0.6 * keyword, 10);
      expect(parts?.recency).toBeCloseTo(0.03 * 2 ** (-(ages[i] as number) / 30), 10);
      expect(parts?.priority).toBeCloseTo((0.03 * i) / 4, 10);
    }
    const [semantic] = await store.admin.recall('banana', { mode: 'semantic', explain: true });
    expect(semantic?.parts?.semantic).toBeCloseTo(0.94, 5);
    const [keyword] = await store.admin.recall('banana', { mode: 'keyword', explain: true });
    const alone = bm25Of('banana', 2, texts);
    expect(keyword?.parts?.keyword).toBeCloseTo((0.94 * alone) / (alone + Math.log(12)), 10);
  });

  test('depends only on the memory, the query and the visible memories, and not on other hits or topK', async () => {
    const store = await filled(fc.sample(memory, { numRuns: 40, seed: 3 }));
    const scores = new Map(
      (await store.admin.recall('apple', { topK: 100, distinct: false })).map(({ id, score }) => [id, score]),
    );
    for (const topK of [1, 7]) {
      for (const { id, score } of await store.admin.recall('apple', { topK, distinct: false }))
        expect(score).toBe(scores.get(id));
    }
    for (const { id, score } of await store.admin.recall('apple', { threshold: 0.2 }))
      expect(score).toBe(scores.get(id));
  });

  test('is higher for a higher priority or a more recent memory if all else is equal', async () => {
    const store = await filled([
      { text: 'apple pie', userId: 'plain', priority: 0, validFrom: Date.UTC(2025, 0) },
      { text: 'apple pie', userId: 'weighty', priority: 1, validFrom: Date.UTC(2025, 0) },
      { text: 'apple pie', userId: 'recent', priority: 0, validFrom: Date.UTC(2025, 11) },
    ]);
    const hits = await store.admin.recall('apple pie');
    expect(hits.at(-1)?.userId).toBe('plain');
    expect(new Set(hits.map(({ score }) => score)).size).toBe(3);
  });
});

// Robertson and Zaragoza's BM25, with the constants that the README names.
function bm25Of(query: string, index: number, texts: readonly string[]): number {
  const [k1, b] = [0.9, 0.4];
  const documents = texts.map((each) => each.split(' '));
  const average = documents.flat().length / documents.length;
  const own = documents[index] as string[];
  return query.split(' ').reduce((sum, word) => {
    const holding = documents.filter((each) => each.includes(word)).length;
    const idf = Math.log(1 + (texts.length - holding + 0.5) / (holding + 0.5));
    const frequency = own.filter((each) => each === word).length;
    return sum + (idf * frequency * (k1 + 1)) / (frequency + k1 * (1 - b + (b * own.length) / average));
  }, 0);
}

test('recall and list select the same memories', async () => {
  const store = await filled(fc.sample(memory, { numRuns: 50, seed: 5 }));
  const everything = (await store.admin.list({ limit: 1_000 })).items;
  const filter = { or: [{ priority: { gt: 0.3 } }, { metadata: { a: { in: [1, 2] } } }], userId: { ne: 'u2' } };
  const hits = await store.admin.recall('apple banana cherry damson elder', {
    mode: 'keyword',
    topK: 1_000,
    filter,
    distinct: false,
  });
  expect(hits.map(({ id }) => id).sort()).toEqual(
    everything
      .filter((each) => matches(each, filter))
      .map(({ id }) => id)
      .sort(),
  );
});
