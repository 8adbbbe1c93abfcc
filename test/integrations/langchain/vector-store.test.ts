import { Document } from '@langchain/core/documents';
import { index, type ListKeyOptions, type RecordManagerInterface } from '@langchain/core/indexing';
import { FakeEmbeddings, SyntheticEmbeddings } from '@langchain/core/utils/testing';
import { fromLangChain } from 'multi-agent-memory';
import { MemoryHandleVectorStore } from 'multi-agent-memory/langchain';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openInMemory } from '../../store/stores';

const documents = [
  { pageContent: 'Refunds take three days.', metadata: { page: 4, tags: ['money'] } },
  { pageContent: 'The office is closed in August.', metadata: { page: 9 } },
  { pageContent: 'Refunds are paid to the card.', metadata: { page: 5 } },
];

async function opened() {
  const store = await openInMemory();
  const handle = store.as({ agentId: 'a' }, { namespace: ['docs'] });
  return { store, handle, vectors: new MemoryHandleVectorStore(handle) };
}
const texts = (found: { pageContent: string }[]) => found.map(({ pageContent }) => pageContent);

describe('documents', () => {
  test('are added, searched by words and by meaning, and deleted', async () => {
    const { vectors, handle } = await opened();
    const ids = await vectors.addDocuments(documents);
    expect(new Set(ids).size).toBe(3);
    expect(texts(await vectors.similaritySearch('when is the office closed', 1))).toEqual([
      'The office is closed in August.',
    ]);
    const scored = await vectors.similaritySearchWithScore('refunds');
    expect(scored).toHaveLength(3);
    expect(scored[0]?.[1]).toBeGreaterThan(scored[2]?.[1] as number);
    expect(scored.map(([{ id }]) => id).sort()).toEqual([...ids].sort());
    await vectors.delete({ ids: [...ids.slice(0, 2), 'not there'] });
    expect(texts(await vectors.similaritySearch('refunds'))).toEqual(['Refunds are paid to the card.']);
    await vectors.delete({ filter: { metadata: { page: 5 } } });
    expect(await handle.count()).toBe(0);
  });

  test('with the id of an earlier document revise that document', async () => {
    const { vectors, handle } = await opened();
    expect(await vectors.addDocuments(documents.slice(0, 1), { ids: ['refunds'] })).toEqual(['refunds']);
    const [found] = await vectors.similaritySearch('refunds');
    expect(found?.id).toBe('refunds');
    await vectors.addDocuments([new Document({ ...(found as Document), pageContent: 'Refunds take five days.' })]);
    expect(texts(await vectors.similaritySearch('refunds'))).toEqual(['Refunds take five days.']);
    expect(await handle.count()).toBe(1);
    await vectors.delete({ ids: ['refunds'] });
    expect(await handle.count()).toBe(0);
  });

  test('in a namespace below that of the handle have memory ids instead of keys, so that keys cannot collide', async () => {
    const { vectors, handle } = await opened();
    const { id } = await handle.remember('deep', { namespace: ['docs', 'deep'], key: 'k' });
    await handle.remember('flat', { key: 'k' });
    const found = await vectors.similaritySearch('deep');
    expect(found.map((each) => [each.pageContent, each.id])).toEqual([
      ['deep', id],
      ['flat', 'k'],
    ]);
    await vectors.delete({ ids: [id] });
    expect(texts(await vectors.similaritySearch('deep'))).toEqual(['flat']);
  });

  test('from one call are stored completely or not at all', async () => {
    const { vectors, handle } = await opened();
    const wrong = [
      ...documents,
      { pageContent: ' ', metadata: {} },
      { pageContent: 'x', metadata: { at: new Date(0) } },
    ];
    expect(await issuePaths(() => vectors.addDocuments(wrong))).toEqual(['3.text', '4.metadata.at']);
    expect(await handle.count()).toBe(0);
  });

  test('are filtered before the search', async () => {
    const { vectors, handle } = await opened();
    await handle.rememberMany(
      Array.from({ length: 300 }, (_, i) => ({ text: `refunds of day ${i}`, metadata: { page: 100 } })),
    );
    await vectors.addDocuments(documents);
    const found = await vectors.similaritySearch('refunds of day', 2, { metadata: { page: { lt: 10 } } });
    expect(texts(found).sort()).toEqual(['Refunds are paid to the card.', 'Refunds take three days.']);
  });
});

describe('vectors', () => {
  test('are added and searched without texts', async () => {
    const embeddings = new SyntheticEmbeddings({ vectorSize: 8 });
    const store = await openInMemory({ embedder: fromLangChain(embeddings, { model: 'synthetic', dimensions: 8 }) });
    const vectors = new MemoryHandleVectorStore(store.admin.within({ namespace: ['docs'] }));
    const axis = (n: number) => Array.from({ length: 8 }, (_, i) => (i === n ? 1 : 0.01));
    await vectors.addVectors([axis(0), axis(1), axis(2)], documents);
    const found = await vectors.similaritySearchVectorWithScore(axis(1), 2);
    expect(found[0]?.[0].pageContent).toBe('The office is closed in August.');
    expect(found).toHaveLength(2);
    expect(await codeOf(() => vectors.similaritySearchVectorWithScore([1, 2], 1))).toBe('INVALID_INPUT');
    expect(await issuePaths(() => vectors.addVectors([axis(0)], documents))).toEqual(['vectors']);
    expect(await codeOf(() => vectors.addVectors([[1], [2], [3]], documents))).toBe('INVALID_INPUT');
    expect(await store.admin.count()).toBe(3);
  });

  test('must come from the option `embeddings`, so the call is rejected if it returns none', async () => {
    const { handle } = await opened();
    const nothing = async () => undefined as never;
    const vectors = new MemoryHandleVectorStore(handle, {
      embeddings: { embedDocuments: nothing, embedQuery: nothing },
    });
    expect(await issuePaths(() => vectors.addDocuments(documents))).toEqual(['embeddings']);
    expect(await issuePaths(() => vectors.similaritySearch('refunds'))).toEqual(['embeddings']);
    expect(await handle.count()).toBe(0);
  });

  test('are made by the option `embeddings`', async () => {
    const made: string[] = [];
    class Listening extends SyntheticEmbeddings {
      override async embedDocuments(given: string[]): Promise<number[][]> {
        made.push(...given);
        return super.embedDocuments(given);
      }
      override async embedQuery(given: string): Promise<number[]> {
        made.push(given);
        return super.embedQuery(given);
      }
    }
    const embeddings = new Listening({ vectorSize: 8 });
    const store = await openInMemory({
      embedder: fromLangChain(new SyntheticEmbeddings({ vectorSize: 8 }), { model: 'm', dimensions: 8 }),
    });
    const vectors = await MemoryHandleVectorStore.fromDocuments(documents, embeddings, {
      handle: store.admin.within({ namespace: ['docs'] }),
    });
    await vectors.similaritySearch('office', 1);
    expect([...new Set(made)]).toEqual([...texts(documents), 'office']);
    const other = new MemoryHandleVectorStore(store.admin.within({ namespace: ['docs'] }), {
      embeddings: new FakeEmbeddings(),
    });
    expect(await codeOf(() => other.addDocuments(documents))).toBe('INVALID_INPUT');
  });
});

test('fromTexts and fromDocuments accept metadata for each text or one metadata object for all texts', async () => {
  const { handle } = await opened();
  const each = await MemoryHandleVectorStore.fromTexts(['one', 'two'], [{ n: 1 }, { n: 2 }], undefined, { handle });
  expect((await each.similaritySearch('two', 1))[0]?.metadata).toEqual({ n: 2 });
  await MemoryHandleVectorStore.fromTexts(['three', 'four'], { n: 3 }, undefined, { handle });
  expect(await handle.count({ filter: { metadata: { n: 3 } } })).toBe(2);
});

test('asRetriever applies `filter` and `k`', async () => {
  const { vectors } = await opened();
  await vectors.addDocuments(documents);
  const retriever = vectors.asRetriever({ k: 1, filter: { metadata: { page: 5 } } });
  expect(texts(await retriever.invoke('refunds'))).toEqual(['Refunds are paid to the card.']);
  expect(await retriever.addDocuments([{ pageContent: 'More.', metadata: {} }])).toHaveLength(1);
});

describe('maxMarginalRelevanceSearch', () => {
  const repeated = [
    { pageContent: 'Refunds take three days.', metadata: { page: 1 } },
    { pageContent: 'Refunds take three days!', metadata: { page: 2 } },
    { pageContent: 'Refunds: three days, they take.', metadata: { page: 3 } },
    { pageContent: 'A refund goes to the card.', metadata: { page: 4 } },
  ];

  test.each([
    ['by the words that documents share', undefined],
    ['by the vectors of `embeddings`', new SyntheticEmbeddings({ vectorSize: 256 })],
  ])('leaves out documents that repeat each other, %s', async (_, embeddings) => {
    const { handle } = await opened();
    const own = new MemoryHandleVectorStore(handle);
    await own.addDocuments(repeated);
    // A store with vectors of another model would refuse those of the query, so only the comparison uses it.
    const vectors = new MemoryHandleVectorStore(handle, embeddings === undefined ? {} : { embeddings });
    if (embeddings !== undefined)
      vectors.similaritySearchWithScore = (...args) => own.similaritySearchWithScore(...args);
    const pages = async (options: object) =>
      (await vectors.maxMarginalRelevanceSearch('how long do refunds take', { k: 2, ...options })).map(
        ({ metadata }) => metadata.page,
      );
    const [plain] = await own.similaritySearch('how long do refunds take', 1);
    expect(await pages({ lambda: 0 })).toEqual([plain?.metadata.page, 4]);
    expect((await pages({ lambda: 1 })).every((page) => Number(page) < 4)).toBe(true);
    expect(await pages({ filter: { metadata: { page: { lt: 3 } } }, k: 9, fetchK: 9 })).toHaveLength(2);
    expect(await pages({ k: 4, fetchK: 4 })).toHaveLength(4);
  });

  test('serves retrievers of the type `mmr`', async () => {
    const { vectors } = await opened();
    await vectors.addDocuments(repeated);
    const searchKwargs = { fetchK: 10, lambda: 0.1 };
    const retriever = vectors.asRetriever({ searchType: 'mmr', k: 2, searchKwargs });
    expect(texts(await retriever.invoke('refunds take'))).toContain('A refund goes to the card.');
    expect(await vectors.asRetriever({ searchType: 'mmr', filter: { metadata: { page: 9 } } }).invoke('x')).toEqual([]);
  });

  test('rejects invalid options with every issue', async () => {
    const { vectors } = await opened();
    const search = (options: object) => vectors.maxMarginalRelevanceSearch('refunds', options as { k: number });
    expect(await issuePaths(() => search({ k: 0, fetchK: 1.5, lambda: 2 }))).toEqual(['fetchK', 'k', 'lambda']);
    expect(await issuePaths(() => search({ k: 5, fetchK: 4 }))).toEqual(['fetchK']);
    expect(await issuePaths(() => search({ k: 5, fetch_k: 9 }))).toEqual(['fetch_k']);
  });
});

test('LangChain’s index() synchronizes new, unchanged, changed and deleted documents', async () => {
  const { vectors, handle } = await opened();
  const recordManager = new Records();
  const source = (...pages: string[]) =>
    pages.map((pageContent, i) => new Document({ pageContent, metadata: { source: `page-${i}` } }));
  const run = async (...pages: string[]) => {
    const { numAdded, numSkipped, numDeleted } = await index({
      docsSource: source(...pages),
      recordManager,
      vectorStore: vectors,
      options: { cleanup: 'full', sourceIdKey: 'source' },
    });
    return [numAdded, numSkipped, numDeleted];
  };
  expect(await run('one', 'two')).toEqual([2, 0, 0]);
  expect(await run('one', 'two')).toEqual([0, 2, 0]);
  expect(await run('one', 'three')).toEqual([1, 1, 1]);
  expect((await handle.list({ order: 'oldest' })).items.map(({ text }) => text)).toEqual(['one', 'three']);
});

class Records implements RecordManagerInterface {
  readonly #updated = new Map<string, number>();
  #time = 0;

  async createSchema(): Promise<void> {}
  async getTime(): Promise<number> {
    return ++this.#time;
  }
  async update(keys: string[]): Promise<void> {
    for (const key of keys) this.#updated.set(key, ++this.#time);
  }
  async exists(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#updated.has(key));
  }
  async listKeys({ before = Number.POSITIVE_INFINITY }: ListKeyOptions): Promise<string[]> {
    return [...this.#updated].flatMap(([key, at]) => (at < before ? [key] : []));
  }
  async deleteKeys(keys: string[]): Promise<void> {
    for (const key of keys) this.#updated.delete(key);
  }
}

test('unknown options and parameters are rejected by name', async () => {
  const { vectors, handle } = await opened();
  expect(await issuePaths(() => new MemoryHandleVectorStore(handle, { k: 1 } as never))).toEqual(['k']);
  expect(await issuePaths(() => vectors.addDocuments(documents, { namespace: 'x' } as never))).toEqual(['namespace']);
  expect(await issuePaths(() => vectors.addDocuments(documents, { ids: ['a'] }))).toEqual(['ids']);
  expect(await issuePaths(() => vectors.addDocuments([{ ...(documents[0] as Document), id: 7 as never }]))).toEqual([
    '0.id',
  ]);
  expect(await issuePaths(() => vectors.delete({ all: true } as never))).toEqual(['all']);
  expect(await codeOf(() => vectors.delete({} as never))).toBe('INVALID_INPUT');
  expect(await issuePaths(() => vectors.similaritySearch('x', 4, { page: 4 } as never))).toEqual(['filter.page']);
  expect(await issuePaths(() => vectors.similaritySearch('x', 0))).toEqual(['topK']);
  expect(await issuePaths(() => vectors.embeddings.embedQuery('x'))).toEqual(['embeddings']);
});
