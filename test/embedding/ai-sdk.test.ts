import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { AISDKEmbeddingModel } from '../../src/embedding/providers/ai-sdk';
import { fromAISDK, fromAISDKIn } from '../../src/embedding/providers/ai-sdk';
import { embedderConformance } from '../../src/testing/embedder-conformance';
import { fakeTiming } from '../providers/fake-timing';
import { dimensions, vectorOf } from './provider-server';

type Call = Parameters<AISDKEmbeddingModel['doEmbed']>[0];

/** A model with the interface of the AI SDK. It records its calls, and `answer` returns its responses. */
function modelThat(
  answer: (call: Call, n: number) => unknown = ({ values }) => ({ embeddings: values.map((text) => vectorOf(text)) }),
  own: Partial<AISDKEmbeddingModel> = {},
) {
  const calls: Call[] = [];
  const model = {
    specificationVersion: 'v3',
    provider: 'test',
    modelId: 'test-embedding-1',
    maxEmbeddingsPerCall: 3,
    supportsParallelCalls: false,
    async doEmbed(call: Call) {
      calls.push(call);
      return (await answer(call, calls.length)) as { embeddings: number[][] };
    },
    ...own,
  };
  return { model, calls };
}

/** The error that the SDK throws for a failed response of a provider. */
function apiCallError(message: string, own: Record<string, unknown> = {}) {
  return Object.assign(new Error(message), { name: 'AI_APICallError', isRetryable: false, ...own });
}

describe('fromAISDK', () => {
  for (const { name, run } of embedderConformance(async () => fromAISDK(modelThat().model, { dimensions })))
    test(name, run);

  test('has a space named after the `modelId` or the option `model`', () => {
    expect(fromAISDK(modelThat().model, { dimensions }).space).toEqual({
      model: 'test-embedding-1',
      dimensions,
      normalized: true,
    });
    expect(fromAISDK(modelThat().model, { dimensions, model: 'mine' }).space.model).toBe('mine');
  });

  test.each([
    ['3', 3, [3, 3, 1]],
    ['a promise of 3', Promise.resolve(3), [3, 3, 1]],
    ['infinity', Number.POSITIVE_INFINITY, [7]],
    ['no limit', undefined, [7]],
  ])('splits batches by `maxEmbeddingsPerCall`: %s', async (_, maxEmbeddingsPerCall, sizes) => {
    const { model, calls } = modelThat(undefined, { maxEmbeddingsPerCall });
    const texts = [...'abcdefg'];
    const vectors = await fromAISDK(model, { dimensions }).embedDocuments(texts, {});
    expect(calls.map(({ values }) => values.length)).toEqual(sizes);
    expect(vectors).toHaveLength(7);
  });

  test.each([
    [true, 3],
    [false, 1],
  ])(
    'with `supportsParallelCalls: %s` sends at most %i requests at the same time',
    async (supportsParallelCalls, atOnce) => {
      let [running, most] = [0, 0];
      const { model } = modelThat(
        async ({ values }) => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          return { embeddings: values.map((text) => vectorOf(text)) };
        },
        { supportsParallelCalls },
      );
      await fromAISDK(model, { dimensions }).embedDocuments([...'abcdefg'], {});
      expect(most).toBe(atOnce);
    },
  );

  test('passes the provider options and the prefix for documents and for queries', async () => {
    const { model, calls } = modelThat();
    const embedder = fromAISDK(model, {
      dimensions,
      prefix: { query: 'query: ' },
      providerOptions: {
        document: { cohere: { inputType: 'search_document' } },
        query: { cohere: { inputType: 'search_query' } },
      },
    });
    await embedder.embedDocuments(['refund'], {});
    await embedder.embedQuery('refund', {});
    expect(calls.map(({ values, providerOptions }) => [values, providerOptions])).toEqual([
      [['refund'], { cohere: { inputType: 'search_document' } }],
      [['query: refund'], { cohere: { inputType: 'search_query' } }],
    ]);
  });
});

describe('failures of the model', () => {
  test('are retried if the SDK calls them retryable, after the wait that the provider asks for', async () => {
    const { model } = modelThat(({ values }, n) => {
      if (n === 1) throw apiCallError('Slow down.', { isRetryable: true, responseHeaders: { 'retry-after': '3' } });
      if (n === 2) throw apiCallError('Overloaded.', { isRetryable: true });
      return { embeddings: values.map((text) => vectorOf(text)) };
    });
    const timing = fakeTiming();
    await fromAISDKIn(timing, model, { dimensions }).embedQuery('refund', {});
    expect(timing.waits).toEqual([3250, 500]);
  });

  test.each<[string, unknown, Record<string, unknown>]>([
    ['a rejected key', apiCallError('No.', { statusCode: 401 }), { code: 'EMBEDDING_FAILED', retryable: false }],
    ['a retryable error', apiCallError('No.', { isRetryable: true }), { code: 'EMBEDDING_FAILED', retryable: true }],
    ['an unknown model', apiCallError('No.', { statusCode: 404 }), { code: 'EMBEDDER_MISSING', retryable: false }],
    [
      'a missing key',
      Object.assign(new Error('API key is missing.'), { name: 'AI_LoadAPIKeyError' }),
      { code: 'EMBEDDING_FAILED', retryable: false, message: expect.stringContaining('API key is missing.') },
    ],
    ['a network error', new TypeError('fetch failed'), { code: 'EMBEDDING_FAILED', retryable: true }],
    ['a thrown string', 'no', { code: 'EMBEDDING_FAILED' }],
  ])('become an error whose code and `retryable` correspond to the cause: %s', async (_, thrown, expected) => {
    const { model } = modelThat(() => {
      throw thrown;
    });
    const embedder = fromAISDKIn(fakeTiming(), model, { dimensions });
    await expect(embedder.embedQuery('refund', {})).rejects.toMatchObject(expected);
  });

  test.each<[string, unknown, Record<string, unknown>]>([
    ['too few vectors', { embeddings: [] }, { code: 'EMBEDDING_FAILED', retryable: true }],
    ['no response', undefined, { code: 'EMBEDDING_FAILED', retryable: true }],
    ['another number of dimensions', { embeddings: [vectorOf('a', 32)] }, { code: 'EMBEDDER_MISMATCH' }],
    ['NaN', { embeddings: [vectorOf('a').with(0, Number.NaN)] }, { code: 'EMBEDDING_FAILED', retryable: false }],
    [
      'a vector of zeros',
      { embeddings: [new Array(dimensions).fill(0)] },
      { code: 'EMBEDDING_FAILED', retryable: false },
    ],
  ])('include invalid responses: %s', async (_, answer, expected) => {
    const { model } = modelThat(() => answer);
    const embedder = fromAISDKIn(fakeTiming(), model, { dimensions });
    await expect(embedder.embedQuery('refund', {})).rejects.toMatchObject(expected);
  });

  test('abort the other requests of the same batch', async () => {
    const { model, calls } = modelThat(
      ({ abortSignal }, n) => {
        if (n === 2) throw apiCallError('No.');
        return new Promise((_, reject) => abortSignal!.addEventListener('abort', () => reject(abortSignal!.reason)));
      },
      { supportsParallelCalls: true },
    );
    const embedding = fromAISDKIn(fakeTiming(), model, { dimensions }).embedDocuments([...'abcdefg'], {});
    await expect(embedding).rejects.toMatchObject({ code: 'EMBEDDING_FAILED' });
    expect(calls.map(({ abortSignal }) => abortSignal!.aborted)).toEqual([true, false, true]);
  });

  test('include a call that takes longer than `requestTimeoutMs`, even if the model ignores its signal', async () => {
    const { model } = modelThat(() => new Promise(() => undefined));
    const embedder = fromAISDKIn(fakeTiming(), model, { dimensions, requestTimeoutMs: 30, maxRetries: 0 });
    await expect(embedder.embedQuery('refund', {})).rejects.toMatchObject({
      code: 'EMBEDDING_FAILED',
      retryable: true,
    });
  });

  test('never reveal a text or the request with its API key', async () => {
    const text = 'The PIN of Alice is 4417.';
    const { model } = modelThat(() => {
      const requestBodyValues = { input: [text], headers: { authorization: 'Bearer sk-hunter22hunter22' } };
      throw apiCallError(`Cannot embed "${text}" with sk-hunter22hunter22`, { requestBodyValues });
    });
    const error = await fromAISDKIn(fakeTiming(), model, { dimensions })
      .embedDocuments([text], {})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/4417|hunter22/);
  });
});

describe('fromAISDK throws INVALID_INPUT for', () => {
  test.each<[string, unknown, Record<string, unknown>]>([
    ['the name of a model in place of a model', 'openai/text-embedding-3-small', { dimensions }],
    ['no model', undefined, { dimensions }],
    ['no dimensions', modelThat().model, {}],
    ['an unknown option', modelThat().model, { dimensions, maxRetry: 1 }],
    [
      'provider options without a provider',
      modelThat().model,
      { dimensions, providerOptions: { query: { inputType: 'x' } } },
    ],
  ])('%s', (_, model, options) => {
    expect(() => fromAISDK(model as never, options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
  });
});
