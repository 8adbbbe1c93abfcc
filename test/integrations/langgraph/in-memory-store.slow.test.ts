import { Embeddings } from '@langchain/core/embeddings';
import { InMemoryStore, type Item, type Operation } from '@langchain/langgraph-checkpoint';
import fc from 'fast-check';
import { allow, MemoryStore } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { expect, test } from 'vitest';
import { openInMemory } from '../../store/stores';
import { filter, operation, value } from './random-operations';
import { itemContent, ReferenceStore } from './reference-store';

test.each([
  ['the whole store', []],
  ['a scoped handle', ['team', 'a']],
])('any sequence of operations returns the same results as InMemoryStore, in %s', async (_, namespace) => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 25 }), fc.nat(4), async (operations, singles) => {
      await using memory = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', [])] });
      const handle = memory.as({ agentId: 'a' }, namespace.length === 0 ? {} : { namespace });
      // Memories of other code, one with the same namespace and key as an item.
      await handle.rememberMany([
        { text: 'x', namespace: [...namespace, 'a'], key: 'k', metadata: { s: 'x', n: 1 } },
        { text: 'y', namespace: [...namespace, 'other'] },
      ]);
      const store = new MemoryHandleStore(handle);
      const reference = new ReferenceStore();
      const expected: unknown[] = [];
      for (const each of operations) expected.push(await reference.run(each));
      // The first few one by one, the rest as a batch.
      const results: unknown[] = [];
      for (const each of operations.slice(0, singles)) results.push(...(await store.batch([each])));
      results.push(...(await store.batch(operations.slice(singles))));
      expect(results.map((result, i) => comparable(operations[i] as Operation, result))).toEqual(expected);
    }),
    { numRuns: 80 },
  );
});

/** A result without times and scores. */
function comparable(operation: Operation, result: unknown): unknown {
  if ('namespacePrefix' in operation) return (result as Item[]).map(itemContent);
  if ('matchConditions' in operation) return result;
  return 'value' in operation ? null : itemContent(result as Item | null);
}

test('$or, $and and $not find the union, the intersection and the complement of the results of their filters', async () => {
  const store = new MemoryHandleStore((await openInMemory()).admin);
  const nested = fc.oneof(
    filter,
    filter.map((given) => Object.fromEntries(Object.entries(given).map(([name, each]) => [`nested.${name}`, each]))),
  );
  const filled = nested.filter((given) => Object.keys(given).length > 0);
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 8 }), filled, filled, async (values, a, b) => {
      for (const item of await store.search(['a'], { limit: 100 })) await store.delete(item.namespace, item.key);
      for (const [i, each] of values.entries()) await store.put(['a'], String(i), each, false);
      const find = async (given: Record<string, unknown>) =>
        new Set((await store.search(['a'], { filter: given, limit: 100 })).map(({ key }) => key));
      const [all, inA, inB] = [await find({}), await find(a), await find(b)];
      const where = (matches: (key: string) => boolean) => new Set([...all].filter(matches));
      expect(await find({ $or: [a, b] })).toEqual(where((key) => inA.has(key) || inB.has(key)));
      expect(await find({ $and: [a, b] })).toEqual(where((key) => inA.has(key) && inB.has(key)));
      expect(await find({ $not: a })).toEqual(where((key) => !inA.has(key)));
      expect(await find({ $not: { $or: [a, { $not: b }] } })).toEqual(where((key) => !inA.has(key) && inB.has(key)));
    }),
    { numRuns: 80 },
  );
});

const paths = [
  'title',
  'author.name',
  'tags',
  'tags[*]',
  'tags[0]',
  'tags[-1]',
  'parts[*].text',
  '*',
  '$',
  'n',
  'flag',
];
// InMemoryStore keeps texts as keys of a plain object, and fails for names such as `toString`.
const word = fc.string({ minLength: 1 }).filter((text) => !(text in {}));
const field = fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null));
const document = fc.record(
  {
    title: field,
    n: fc.integer(),
    flag: fc.boolean(),
    author: fc.record({ name: field }),
    tags: fc.array(word, { maxLength: 3 }),
    parts: fc.array(fc.record({ text: field, n: fc.integer() }), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

test('index paths select the same texts as in InMemoryStore', async () => {
  const embedded: string[] = [];
  const index = { dims: 1, embeddings: new RecordingEmbeddings(embedded) };
  const memory = await openInMemory();
  const store = new MemoryHandleStore(memory.admin);
  await fc.assert(
    fc.asyncProperty(document, fc.subarray(paths, { minLength: 1 }), async (value, chosen) => {
      embedded.length = 0;
      await new InMemoryStore({ index }).put(['a'], 'k', value, chosen);
      await store.put(['a'], 'k', value, chosen);
      const { text = '' } = (await memory.admin.get({ namespace: ['a'], key: 'langgraph:k' })) ?? {};
      const texts = embedded.filter((each) => each.trim() !== '');
      // InMemoryStore embeds each text once. For `$` it also embeds the path itself.
      for (const each of texts) expect(text).toContain(each);
      if (texts.length === 0) expect(text).toBe('{…}');
    }),
    { numRuns: 60 },
  );
});

/** Keeps the texts that are embedded. */
class RecordingEmbeddings extends Embeddings {
  readonly #texts: string[];

  constructor(texts: string[]) {
    super({});
    this.#texts = texts;
  }

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    this.#texts.push(...texts);
    return texts.map(() => [1]);
  }

  override async embedQuery(): Promise<number[]> {
    return [1];
  }
}
