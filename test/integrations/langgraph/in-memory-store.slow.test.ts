import { Embeddings } from '@langchain/core/embeddings';
import { InMemoryStore, type Item, type Operation } from '@langchain/langgraph-checkpoint';
import fc from 'fast-check';
import { allow, MemoryStore } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { expect, test } from 'vitest';
import { openInMemory } from '../../store/stores';
import { operation } from './operations';
import { brief, Reference } from './reference';

test.each([
  ['the whole store', []],
  ['a scoped handle', ['team', 'a']],
])('any sequence of operations is answered as InMemoryStore answers it, in %s', async (_, namespace) => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 25 }), fc.nat(4), async (operations, alone) => {
      await using memory = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', [])] });
      const handle = memory.as({ agentId: 'a' }, namespace.length === 0 ? {} : { namespace });
      // Other memories beside the items, some of them with the items' own keys.
      await handle.rememberMany([
        { text: 'x', namespace: [...namespace, 'a'], key: 'k', metadata: { s: 'x', n: 1 } },
        { text: 'y', namespace: [...namespace, 'other'] },
      ]);
      const store = new MemoryHandleStore(handle);
      const reference = new Reference();
      const expected: unknown[] = [];
      for (const each of operations) expected.push(await reference.answer(each));
      // The first few one by one, the rest as a batch.
      const answers: unknown[] = [];
      for (const each of operations.slice(0, alone)) answers.push(...(await store.batch([each])));
      answers.push(...(await store.batch(operations.slice(alone))));
      expect(answers.map((answer, i) => shown(operations[i] as Operation, answer))).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

function shown(operation: Operation, answer: unknown): unknown {
  if ('namespacePrefix' in operation) return (answer as Item[]).map(brief);
  if ('matchConditions' in operation) return answer;
  return 'value' in operation ? null : brief(answer as Item | null);
}

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
// InMemoryStore looks texts up in a plain object, and fails for those that are names there.
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

test('the paths of an index lead to the texts that InMemoryStore embeds', async () => {
  const embedded: string[] = [];
  const index = { dims: 1, embeddings: new Listening(embedded) };
  const memory = await openInMemory();
  const store = new MemoryHandleStore(memory.admin);
  await fc.assert(
    fc.asyncProperty(document, fc.subarray(paths, { minLength: 1 }), async (value, chosen) => {
      embedded.length = 0;
      await new InMemoryStore({ index }).put(['a'], 'k', value, chosen);
      await store.put(['a'], 'k', value, chosen);
      const { text = '' } = (await memory.admin.get({ namespace: ['a'], key: 'langgraph:k' })) ?? {};
      const texts = embedded.filter((each) => each.trim() !== '');
      // InMemoryStore embeds each text once, and `$` a second time as the path that it is.
      for (const each of texts) expect(text).toContain(each);
      if (texts.length === 0) expect(text).toBe('{…}');
    }),
    { numRuns: 100 },
  );
});

class Listening extends Embeddings {
  readonly #heard: string[];

  constructor(heard: string[]) {
    super({});
    this.#heard = heard;
  }

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    this.#heard.push(...texts);
    return texts.map(() => [1]);
  }

  override async embedQuery(): Promise<number[]> {
    return [1];
  }
}
