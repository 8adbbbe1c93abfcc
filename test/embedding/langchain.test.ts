import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { fromLangChain, type LangChainEmbeddings } from '../../src/embedding/providers/langchain';
import { embedderConformance } from '../../src/testing/embedder-conformance';
import { dimensions, vectorOf } from './provider-server';

const model = 'test-embedding-1';

/** Embeddings with the interface of LangChain. They record their texts. */
class TestEmbeddings implements LangChainEmbeddings {
  readonly asked: string[] = [];

  async embedDocuments(documents: string[]): Promise<number[][]> {
    this.asked.push(...documents);
    return documents.map((text) => vectorOf(text));
  }

  async embedQuery(document: string): Promise<number[]> {
    this.asked.push(document);
    return vectorOf(document);
  }
}

function throwing(thrown: unknown): LangChainEmbeddings {
  const fail = () => Promise.reject(thrown);
  return { embedDocuments: fail, embedQuery: fail };
}

function answering(answer: unknown): LangChainEmbeddings {
  return { embedDocuments: async () => answer as number[][], embedQuery: async () => [] };
}

describe('fromLangChain', () => {
  for (const { name, run } of embedderConformance(async () =>
    fromLangChain(new TestEmbeddings(), { model, dimensions }),
  ))
    test(name, run);

  test('has a space named after the option `model`', () => {
    const { space } = fromLangChain(new TestEmbeddings(), { model, dimensions });
    expect(space).toEqual({ model, dimensions, normalized: true });
  });

  test('adds the prefixes to documents and queries', async () => {
    const embeddings = new TestEmbeddings();
    const embedder = fromLangChain(embeddings, { model, dimensions, prefix: { document: 'd: ', query: 'q: ' } });
    await embedder.embedDocuments(['refund'], {});
    await embedder.embedQuery('refund', {});
    expect(embeddings.asked).toEqual(['d: refund', 'q: refund']);
  });
});

describe('failures of the embeddings', () => {
  test.each<[string, LangChainEmbeddings, Record<string, unknown>]>([
    ['a network error', throwing(new TypeError('fetch failed')), { code: 'EMBEDDING_FAILED', retryable: true }],
    [
      'status 503',
      throwing(Object.assign(new Error('x'), { status: 503 })),
      { code: 'EMBEDDING_FAILED', retryable: true },
    ],
    [
      'a rejected key',
      throwing(Object.assign(new Error('x'), { status: 401 })),
      { code: 'EMBEDDING_FAILED', retryable: false },
    ],
    [
      'an unknown model',
      throwing(Object.assign(new Error('x'), { status: 404 })),
      { code: 'EMBEDDER_MISSING', retryable: false },
    ],
    ['a thrown undefined', throwing(undefined), { code: 'EMBEDDING_FAILED' }],
    ['too few vectors', answering([]), { code: 'EMBEDDING_FAILED', retryable: true }],
    ['no vectors', answering(undefined), { code: 'EMBEDDING_FAILED', retryable: true }],
    ['an empty vector', answering([[]]), { code: 'EMBEDDER_MISMATCH' }],
    ['another number of dimensions', answering([vectorOf('a', 32)]), { code: 'EMBEDDER_MISMATCH' }],
    ['NaN in a vector', answering([vectorOf('a').with(0, Number.NaN)]), { code: 'EMBEDDING_FAILED', retryable: false }],
    [
      'null in a vector',
      answering([vectorOf('a').with(0, null as never)]),
      { code: 'EMBEDDING_FAILED', retryable: false },
    ],
    ['a vector of zeros', answering([new Array(dimensions).fill(0)]), { code: 'EMBEDDING_FAILED', retryable: false }],
  ])('become an error whose code and `retryable` correspond to the cause: %s', async (_, embeddings, expected) => {
    const embedder = fromLangChain(embeddings, { model, dimensions });
    await expect(embedder.embedDocuments(['refund'], {})).rejects.toMatchObject(expected);
  });

  test('include a call that takes longer than `timeoutMs`', async () => {
    const hanging = { ...answering([]), embedDocuments: () => new Promise<never>(() => undefined) };
    const embedder = fromLangChain(hanging, { model, dimensions, timeoutMs: 30 });
    await expect(embedder.embedDocuments(['refund'], {})).rejects.toMatchObject({
      code: 'EMBEDDING_FAILED',
      retryable: true,
    });
  });

  test('include an aborted call, which rejects with the reason of the signal although LangChain accepts no signal', async () => {
    const reason = new Error('no longer wanted');
    const controller = new AbortController();
    const hanging = { ...answering([]), embedQuery: () => new Promise<never>(() => controller.abort(reason)) };
    const embedder = fromLangChain(hanging, { model, dimensions });
    await expect(embedder.embedQuery('refund', { signal: controller.signal })).rejects.toBe(reason);
  });

  test('never reveal a text or other properties of the error from LangChain', async () => {
    const text = 'The PIN of Alice is 4417.';
    const config = { headers: { authorization: 'Bearer sk-hunter22hunter22' }, data: text };
    const thrown = Object.assign(new Error(`400: cannot embed "${text}"`), { config });
    const error = await fromLangChain(throwing(thrown), { model, dimensions })
      .embedQuery(text, {})
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/4417|hunter22/);
  });
});

test('the error about a rejected key does not quote the key, whatever form the key has', async () => {
  const thrown = Object.assign(new Error('Incorrect API key provided: hunter22'), { status: 401 });
  const error = await fromLangChain(throwing(thrown), { model, dimensions })
    .embedQuery('refund', {})
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'EMBEDDING_FAILED',
    message: expect.stringContaining('The API key was rejected'),
  });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter22');
});

describe('fromLangChain throws INVALID_INPUT for', () => {
  test.each<[string, unknown, Record<string, unknown>]>([
    ['no embeddings', {}, { model, dimensions }],
    ['no model', new TestEmbeddings(), { dimensions }],
    ['no dimensions', new TestEmbeddings(), { model }],
    ['dimensions that are not an integer', new TestEmbeddings(), { model, dimensions: 1.5 }],
  ])('%s', (_, embeddings, options) => {
    const make = () => fromLangChain(embeddings as never, options as never);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});
