import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/domain/errors';
import {
  type OpenAICompatibleOptions,
  openAICompatible,
  openAICompatibleIn,
} from '../../src/embedding/providers/openai-compatible';
import { embedderConformance } from '../../src/testing/embedder-conformance';
import { type FakeTiming, fakeTiming } from '../providers/fake-timing';
import {
  altered,
  closedPort,
  dimensions,
  healthy,
  itemsFor,
  providerServer,
  type Reply,
  refusing,
  sendJson,
  vectorOf,
} from './provider-server';

const model = 'test-embedding-1';
const apiKey = 'sk-Zx9Kq-not-for-anybody-861730';

async function serverWith(...replies: Reply[]) {
  const server = await providerServer(...replies);
  const timing = fakeTiming();
  const made = (options: Partial<OpenAICompatibleOptions> = {}, time: FakeTiming = timing) =>
    openAICompatibleIn(time, { baseURL: server.baseURL, model, dimensions, apiKey, ...options });
  return { ...server, timing, made, embedder: made() };
}

const cosine = (a: Float32Array, b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0) / Math.hypot(...b);

/** The error of a call that must fail. */
async function refusal(call: Promise<unknown>): Promise<MemoryError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!MemoryError.is(error)) throw new Error(`It was not refused by a MemoryError, but gave ${String(error)}`);
  return error;
}

describe('openAICompatible with a healthy server', () => {
  for (const { name, run } of embedderConformance(async () => (await serverWith()).embedder)) test(name, run);

  test('sends the request that the protocol defines', async () => {
    const { embedder, requests } = await serverWith();
    await embedder.embedDocuments(['refund', 'parcel'], {});
    expect(requests).toHaveLength(1);
    expect(requests[0]!.url).toBe('/v1/embeddings');
    expect(requests[0]!.headers).toMatchObject({
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
    });
    expect(requests[0]!.body).toEqual({
      model,
      input: ['refund', 'parcel'],
      encoding_format: 'float',
      dimensions,
    });
  });

  test('sends the option `headers` and URL parameters, and no authorization without an `apiKey`', async () => {
    const { baseURL, requests } = await serverWith();
    const embedder = openAICompatible({
      baseURL: `${baseURL}/?api-version=2024-10-21`,
      model,
      dimensions,
      headers: { 'api-key': 'abcd' },
    });
    await embedder.embedQuery('refund', {});
    expect(requests[0]!.url).toBe('/v1/embeddings?api-version=2024-10-21');
    expect(requests[0]!.headers).toMatchObject({ 'api-key': 'abcd' });
    expect(requests[0]!.headers).not.toHaveProperty('authorization');
  });

  test('has a space named after model, dimensions and document prefix, not after the address', async () => {
    const { embedder, made } = await serverWith();
    expect(embedder.space).toEqual({ model, dimensions, normalized: true });
    expect(made({ baseURL: 'https://moved.example/v1' }).space).toEqual(embedder.space);
    expect(made({ prefix: { query: 'query: ' } }).space).toEqual(embedder.space);
    expect(made({ prefix: { document: 'passage: ' } }).space.model).not.toBe(model);
  });

  test('adds the prefixes to documents and queries, and subtracts their tokens from `maxTokens`', async () => {
    const { made, requests } = await serverWith();
    const embedder = made({ prefix: { document: 'passage: ', query: 'query: ' }, maxTokens: 100 });
    await embedder.embedDocuments(['refund', ''], {});
    await embedder.embedQuery('refund', {});
    expect(requests.map(({ body }) => body.input)).toEqual([['passage: refund', 'passage: '], ['query: refund']]);
    expect(embedder.maxTokens).toBeLessThan(100);
  });

  test('sends a space instead of an empty text, and replaces lone surrogates', async () => {
    const { embedder, requests } = await serverWith();
    await embedder.embedDocuments(['', '\ud800x'], {});
    expect(requests[0]!.body.input).toEqual([' ', '\ufffdx']);
  });

  test('splits batches by `maxInputs` and `maxCharacters`, in order', async () => {
    const { made, requests } = await serverWith();
    const texts = ['a', 'b', 'c', 'x'.repeat(30), 'y'.repeat(30), 'z'.repeat(60), 'd'];
    const vectors = await made({ maxInputs: 3, maxCharacters: 50 }).embedDocuments(texts, {});
    expect(requests.map(({ body }) => body.input.map(([letter]) => letter).join(''))).toEqual([
      'abc',
      'x',
      'y',
      'z',
      'd',
    ]);
    for (const [i, text] of texts.entries()) expect(cosine(vectors[i]!, vectorOf(text))).toBeCloseTo(1, 5);
  });

  test('sends at most 96 texts in a request by default', async () => {
    const { embedder, requests } = await serverWith();
    await embedder.embedDocuments(
      Array.from({ length: 200 }, (_, i) => `text ${i}`),
      {},
    );
    expect(requests.map(({ body }) => body.input.length)).toEqual([96, 96, 8]);
  });

  test('sorts the vectors of a response by their index', async () => {
    const { embedder } = await serverWith(altered((items) => items.reverse()));
    const texts = ['refund', 'parcel', 'violin'];
    const vectors = await embedder.embedDocuments(texts, {});
    for (const [i, text] of texts.entries()) expect(cosine(vectors[i]!, vectorOf(text))).toBeCloseTo(1, 5);
  });

  test('keeps the order of the response if the vectors have no index', async () => {
    const { embedder } = await serverWith(altered((items) => items.map(({ embedding }) => ({ embedding }))));
    const vectors = await embedder.embedDocuments(['refund', 'parcel'], {});
    expect(cosine(vectors[1]!, vectorOf('parcel'))).toBeCloseTo(1, 5);
  });

  test('halves requests after status 413, and then keeps the smaller size', async () => {
    const tooMany: Reply = (request, response) =>
      request.body.input.length > 2 ? refusing(413)(request, response) : healthy(request, response);
    const { embedder, control, requests } = await serverWith();
    control.always = tooMany;
    const texts = ['refund', 'parcel', 'violin', 'invoice', 'recipe'];
    const vectors = await embedder.embedDocuments(texts, {});
    for (const [i, text] of texts.entries()) expect(cosine(vectors[i]!, vectorOf(text))).toBeCloseTo(1, 5);
    const before = requests.length;
    await embedder.embedDocuments(texts, {});
    expect(requests.slice(before).every(({ body }) => body.input.length <= 2)).toBe(true);
  });

  test.each([
    ['vLLM', { message: 'Model "m" does not support matryoshka representation.', type: 'BadRequestError', code: 400 }],
    ['OpenAI', { message: 'This model does not support specifying dimensions.', code: null }],
  ])('stops sending `dimensions` after an error of %s rejects the parameter', async (_, error) => {
    const picky: Reply = (request, response) =>
      'dimensions' in request.body ? refusing(400, error)(request, response) : healthy(request, response);
    const { embedder, control, requests } = await serverWith();
    control.always = picky;
    expect(await embedder.embedQuery('refund', {})).toHaveLength(dimensions);
    await embedder.embedQuery('parcel', {});
    expect(requests.map(({ body }) => 'dimensions' in body)).toEqual([true, false, false]);
  });
});

describe('temporary failures', () => {
  const cutOff: Reply = ({ body }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ data: itemsFor(body.input) }).slice(0, 200));
  };
  const halfSent: Reply = (_, response) => {
    response.writeHead(200, { 'content-length': '5000' });
    response.write('{"data":[');
    setImmediate(() => response.destroy());
  };
  const passing: [string, Reply][] = [
    ['408', refusing(408)],
    ['409', refusing(409)],
    ['429', refusing(429, { code: 'rate_limit_exceeded' })],
    ['500', refusing(500)],
    ['502 with a web page', (_, response) => void response.writeHead(502).end('<html>Bad gateway</html>')],
    ['503', refusing(503)],
    ['504', refusing(504)],
    ['529', refusing(529)],
    ['a connection that is reset', ({ socket }) => socket.resetAndDestroy()],
    ['a connection that is closed during the response', halfSent],
    ['a response that is cut off', cutOff],
    ['an empty response', (_, response) => void response.writeHead(200).end()],
    ['too few vectors', altered((items) => items.slice(1))],
    ['no vectors', altered(() => [])],
    ['too many vectors', altered((items) => [...items, { ...items[0], index: items.length }])],
    [
      'an error with the status of a success',
      (_, response) => sendJson(response, { error: { message: 'Busy.', code: 503 } }),
    ],
  ];

  test.each(passing)('are retried: %s', async (_, reply) => {
    const { embedder, requests, timing } = await serverWith(reply, reply);
    expect(await embedder.embedDocuments(['refund', 'parcel'], {})).toHaveLength(2);
    expect(requests).toHaveLength(3);
    expect(timing.waits).toEqual([250, 500]);
  });

  test.each(passing)('become a retryable EMBEDDING_FAILED after `maxRetries` retries: %s', async (_, reply) => {
    const { made, control, requests } = await serverWith();
    control.always = reply;
    const error = await refusal(made({ maxRetries: 1 }).embedDocuments(['refund', 'parcel'], {}));
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: true });
    expect(error.message).toContain(model);
    expect(requests).toHaveLength(2);
  });

  test('include an unreachable server, and the retryable EMBEDDING_FAILED names its address', async () => {
    const baseURL = `http://127.0.0.1:${await closedPort()}/v1`;
    const timing = fakeTiming();
    const embedder = openAICompatibleIn(timing, { baseURL, model, dimensions, maxRetries: 2 });
    const error = await refusal(embedder.embedQuery('refund', {}));
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: true });
    expect(error.message).toContain(`${baseURL}/embeddings`);
    expect(error.message).toContain('ECONNREFUSED');
    expect(timing.waits).toHaveLength(2);
  });

  test('include a server that does not respond within `requestTimeoutMs`', async () => {
    const hanging: Reply = () => undefined;
    const { made, requests } = await serverWith(hanging);
    expect(await made({ requestTimeoutMs: 60 }).embedQuery('refund', {})).toHaveLength(dimensions);
    expect(requests.length).toBeGreaterThan(1);
  });

  test('include a server that does not finish its response within `requestTimeoutMs`', async () => {
    const dripping: Reply = (_, response) => void response.writeHead(200).write('{"data":[');
    const { made } = await serverWith(dripping, dripping);
    const error = await refusal(made({ requestTimeoutMs: 60, maxRetries: 1 }).embedQuery('refund', {}));
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: true });
    expect(error.message).toContain('60 ms');
  });

  test('are not retried beyond `timeoutMs`, whatever `maxRetries` is', async () => {
    const { made, control, timing } = await serverWith();
    control.always = refusing(500);
    await refusal(made({ timeoutMs: 3000, maxRetries: 1000 }).embedQuery('refund', {}));
    expect(timing.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(3000);
  });
});

describe('permanent failures', () => {
  const lasting: [string, Reply, string, string][] = [
    ['401', refusing(401, { code: 'invalid_api_key' }), 'EMBEDDING_FAILED', 'The API key was rejected'],
    ['403', refusing(403), 'EMBEDDING_FAILED', 'The API key was rejected'],
    ['404', refusing(404, { code: 'model_not_found' }), 'EMBEDDER_MISSING', 'baseURL'],
    ['400', refusing(400, { message: 'Too long.' }), 'EMBEDDING_FAILED', 'Too long.'],
    ['413 for a single text', refusing(413), 'EMBEDDING_FAILED', 'rejected'],
    ['422 without a message', (_, response) => void response.writeHead(422).end(), 'EMBEDDING_FAILED', '422'],
    ['429 for a used-up quota', refusing(429, { code: 'insufficient_quota' }), 'EMBEDDING_FAILED', 'used up'],
    [
      'a redirect',
      (_, response) => void response.writeHead(302, { location: '/' }).end(),
      'EMBEDDING_FAILED',
      'baseURL',
    ],
    [
      'a web page',
      (_, response) => void response.writeHead(200).end('<!doctype html><p>Hi</p>'),
      'EMBEDDING_FAILED',
      'web page',
    ],
    ['other JSON', (_, response) => sendJson(response, { ok: true }), 'EMBEDDING_FAILED', 'no list of vectors'],
    ['JSON that is not an object', (_, response) => sendJson(response, null), 'EMBEDDING_FAILED', 'no list of vectors'],
    ['fewer dimensions', altered(([item]) => [{ ...item, embedding: vectorOf('x', 32) }]), 'EMBEDDER_MISMATCH', '32'],
    ['more dimensions', altered(([item]) => [{ ...item, embedding: vectorOf('x', 128) }]), 'EMBEDDER_MISMATCH', '128'],
    [
      'a string in place of a vector',
      altered(([item]) => [{ ...item, embedding: 'AAAA' }]),
      'EMBEDDING_FAILED',
      'not a Float32Array',
    ],
    ['null in place of an item', altered(() => [null]), 'EMBEDDING_FAILED', 'not a Float32Array'],
    [
      'null in a vector',
      altered(([item]) => [{ ...item, embedding: vectorOf('x').with(3, null as never) }]),
      'EMBEDDING_FAILED',
      'vector',
    ],
    [
      'a vector of zeros',
      altered(([item]) => [{ ...item, embedding: new Array(dimensions).fill(0) }]),
      'EMBEDDING_FAILED',
      'zeros',
    ],
    [
      'NaN in the form of Python',
      ({ body }, response) => void response.end(JSON.stringify({ data: itemsFor(body.input) }).replace('1.001', 'NaN')),
      'EMBEDDING_FAILED',
      'not finite',
    ],
    [
      'a number beyond 32 bits',
      altered(([item]) => [{ ...item, embedding: vectorOf('x').with(3, 1e300) }]),
      'EMBEDDING_FAILED',
      'not finite',
    ],
    [
      'an index out of range',
      altered(([item]) => [{ ...item, index: 1 }]),
      'EMBEDDING_FAILED',
      'a vector with a wrong index',
    ],
  ];

  test.each(lasting)('are not retried: %s', async (_, reply, code, words) => {
    const { embedder, control, requests } = await serverWith();
    control.always = reply;
    const error = await refusal(embedder.embedQuery('refund', {}));
    expect(error).toMatchObject({ code, retryable: false, message: expect.stringContaining(words) });
    expect(requests).toHaveLength(1);
  });

  test('include a response that contains the same index twice', async () => {
    const { embedder } = await serverWith(altered((items) => items.map((item) => ({ ...item, index: 0 }))));
    const error = await refusal(embedder.embedDocuments(['a', 'b'], {}));
    expect(error).toMatchObject({
      code: 'EMBEDDING_FAILED',
      message: expect.stringContaining('a vector with a wrong index'),
    });
  });

  test('include dimensions that change between two requests of a batch, which then returns no vector', async () => {
    const half = altered((items) => items.map((item) => ({ ...item, embedding: vectorOf('x', 32) })));
    const { made, requests } = await serverWith(healthy, half);
    const error = await refusal(made({ maxInputs: 2 }).embedDocuments(['a', 'b', 'c', 'd', 'e', 'f'], {}));
    expect(error.code).toBe('EMBEDDER_MISMATCH');
    expect(error.message).toMatch(/32 numbers.*'dimensions' is 64/);
    expect(requests).toHaveLength(2);
  });
});

describe('a wait that the server asks for', () => {
  const busy = (headers: Record<string, string>) => refusing(429, {}, headers);

  test.each<[string, Record<string, string>, number]>([
    ['`Retry-After` in seconds', { 'retry-after': '7' }, 7000],
    ['`retry-after-ms`', { 'retry-after-ms': '120', 'retry-after': '1' }, 120],
    [
      '`Retry-After` as a date',
      { date: 'Thu, 01 Jan 2026 12:00:00 GMT', 'retry-after': 'Thu, 01 Jan 2026 12:00:09 GMT' },
      9000,
    ],
    [
      '`Retry-After` as a date in the past',
      { date: 'Thu, 01 Jan 2026 12:00:00 GMT', 'retry-after': 'Thu, 01 Jan 2026 11:00:00 GMT' },
      0,
    ],
    [
      'the reset of an exhausted rate limit',
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1.5s' },
      1500,
    ],
    [
      'a distant reset of a rate limit, at most 8 seconds',
      { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' },
      8000,
    ],
    [
      'a rate limit that is not exhausted, which is ignored',
      { 'x-ratelimit-remaining-tokens': '3', 'x-ratelimit-reset-tokens': '6m0s' },
      0,
    ],
    ['an invalid `Retry-After`, which is ignored', { 'retry-after': 'soon' }, 0],
  ])('delays the next request: %s', async (_, headers, asked) => {
    const { embedder, timing } = await serverWith(busy(headers));
    await embedder.embedQuery('refund', {});
    // The random backoff is added, so that clients which failed together do not retry together.
    expect(timing.waits).toEqual([asked + 250]);
  });

  test('also delays the next request after status 503', async () => {
    const { embedder, timing } = await serverWith(refusing(503, {}, { 'retry-after': '2' }));
    await embedder.embedQuery('refund', {});
    expect(timing.waits).toEqual([2250]);
  });

  test('makes the call fail immediately with a retryable EMBEDDING_FAILED if the wait is longer than `timeoutMs`', async () => {
    const { embedder, timing, requests } = await serverWith(busy({ 'retry-after': '3600' }));
    const error = await refusal(embedder.embedQuery('refund', {}));
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: true });
    // Other callers send no request in that time either.
    expect((await refusal(embedder.embedQuery('parcel', {}))).message).toContain('3600000 ms');
    expect(requests).toHaveLength(1);
    expect(timing.waits).toEqual([]);
  });

  test('delays all callers of the embedder', async () => {
    const last: Reply = ({ body }, response) =>
      sendJson(response, { data: itemsFor(body.input) }, 200, {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '800ms',
      });
    const { embedder, timing } = await serverWith(last);
    await embedder.embedQuery('refund', {});
    expect(timing.waits).toEqual([]);
    await embedder.embedQuery('parcel', {});
    expect(timing.waits).toEqual([800]);
  });
});

describe('an aborted call', () => {
  const reason = new Error('no longer wanted');

  test('rejects with the reason of its signal during a request, and closes the connection', async () => {
    let left: Promise<void> | undefined;
    const controller = new AbortController();
    const hanging: Reply = ({ socket }) => {
      left = new Promise((resolve) => socket.once('close', () => resolve()));
      controller.abort(reason);
    };
    const { embedder } = await serverWith(hanging);
    await expect(embedder.embedQuery('refund', { signal: controller.signal })).rejects.toBe(reason);
    await left;
  });

  test('rejects with the reason of its signal during a wait, and sends no further request', async () => {
    const { baseURL, requests } = await serverWith(refusing(500, {}, { 'retry-after': '30' }));
    // With the real timing, since the wait itself must end.
    const embedder = openAICompatible({ baseURL, model, dimensions });
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    await expect(embedder.embedQuery('refund', { signal: controller.signal })).rejects.toBe(reason);
    expect(requests).toHaveLength(1);
  });
});

describe('secrets and texts never appear in an error', () => {
  // A number of six digits: the address in the error contains a port, which has at most five.
  const text = 'The PIN of Alice is 861730, and her dog is called Bello.';
  const talkative: [string, Reply][] = [
    ['a rejected key', refusing(401, { message: `Incorrect API key provided: ${apiKey.slice(0, 6)}*****861730.` })],
    ['the quoted key', refusing(400, { message: `Bad header: Bearer ${apiKey}`, code: apiKey })],
    ['the URL-encoded key', refusing(500, { message: `Bad: ${encodeURIComponent(apiKey)}` })],
    ['a header', refusing(400, { message: 'Bad header: open-sesame' })],
    ['a URL parameter', refusing(404, { message: 'No route for ?key=parameter-secret' })],
    ['the text', refusing(400, { message: `Cannot embed "${text}"` })],
    ['a piece of the text', refusing(422, { message: 'unexpected input: is 861730, and her d' })],
    [
      'all of them, in a response that is not JSON',
      (_, response) => void response.end(`${apiKey} ${text} open-sesame`),
    ],
  ];

  test.each(talkative)('if the provider responds with %s', async (_, reply) => {
    const { baseURL, control } = await serverWith();
    control.always = reply;
    const embedder = openAICompatibleIn(fakeTiming(), {
      baseURL: `${baseURL}?key=parameter-secret`,
      model,
      dimensions,
      apiKey,
      headers: { 'x-gateway': 'open-sesame' },
      maxRetries: 1,
    });
    const error = await refusal(embedder.embedDocuments([text], {}));
    const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
    for (const secret of [
      apiKey,
      encodeURIComponent(apiKey),
      '861730',
      'open-sesame',
      'parameter-secret',
      'Alice',
      'her dog',
    ])
      expect(shown).not.toContain(secret);
  });

  test('and are not visible in the embedder itself', () => {
    const embedder = openAICompatible({ baseURL: 'http://localhost/v1', model, dimensions, apiKey });
    expect(inspect(embedder, { depth: 10, showHidden: true }) + JSON.stringify(embedder)).not.toContain(apiKey);
  });
});

describe('openAICompatible throws INVALID_INPUT without a secret for an invalid', () => {
  test.each<[string, Record<string, unknown>]>([
    ['baseURL', { baseURL: 'not a url' }],
    ['baseURL', { baseURL: 'ftp://host/v1' }],
    ['baseURL', { baseURL: 'https://user:hunter22@host/v1' }],
    ['baseURL', { baseURL: undefined }],
    ['model', { model: '' }],
    ['dimensions', { dimensions: 0 }],
    ['dimensions', { dimensions: undefined }],
    ['apiKey', { apiKey: '' }],
    ['apiKey', { apiKey: undefined }],
    ['apiKey', { apiKey: 'sk-hunter22\n' }],
    ['headers.x', { headers: { x: 'hunter22\r\nhost: elsewhere' } }],
    ['maxInputs', { maxInputs: 0 }],
    ['maxRetries', { maxRetries: -1 }],
    ['timeoutMs', { timeoutMs: 2 ** 31 }],
    ['apikey', { apikey: 'hunter22' }],
  ])('%s', (path, wrong) => {
    const make = () => openAICompatible({ baseURL: 'http://localhost/v1', model, dimensions, ...wrong } as never);
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
    expect((error as MemoryError).issues.map((issue) => issue.path.join('.'))).toEqual([path]);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter22');
  });
});
