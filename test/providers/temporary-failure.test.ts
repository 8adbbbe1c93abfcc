import { describe, expect, test } from 'vitest';
import { embeddingFailure } from '../../src/embedding/results';
import { isTemporaryFailure } from '../../src/providers/temporary-failure';

const space = { model: 'test', dimensions: 2, normalized: true } as const;
const withCode = (code: string) => Object.assign(new Error('no'), { code });
class APIConnectionError extends Error {}

describe('a failure is temporary, and its error is retryable:', () => {
  test.each<[string, unknown]>([
    ['a lost connection', withCode('ECONNRESET')],
    ['a time-out of undici', withCode('UND_ERR_HEADERS_TIMEOUT')],
    ['a network fault that fetch reports', new TypeError('fetch failed', { cause: withCode('EAI_AGAIN') })],
    ['a network fault deep in the causes', new Error('no', { cause: new Error('no', { cause: withCode('EPIPE') }) })],
    ['a missed deadline', new DOMException('no', 'TimeoutError')],
    ['a client library that lost its connection', new APIConnectionError('Connection error.')],
    ['a busy server', Object.assign(new Error('no'), { status: 503 })],
    ['a rate limit', Object.assign(new Error('no'), { statusCode: 429 })],
    ['what its library calls retryable', { isRetryable: true }],
  ])('%s', (_, thrown) => {
    expect(isTemporaryFailure(thrown)).toBe(true);
    expect(embeddingFailure(thrown, space)).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: true });
  });
});

describe('a failure is not temporary, and its error does not advise a retry:', () => {
  const endless = new Error('no');
  endless.cause = endless;
  test.each<[string, unknown]>([
    ['a module that cannot be loaded', withCode('ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG')],
    ['a native part that cannot be loaded', withCode('ERR_DLOPEN_FAILED')],
    ['a bug', new TypeError('x is not a function')],
    ['a missing key', Object.assign(new Error('no'), { status: 401 })],
    ['what its library calls final', Object.assign(new Error('fetch failed'), { isRetryable: false })],
    ['an error that is its own cause', endless],
    ['nothing', undefined],
    ['a string', 'busy'],
    ['an object without a prototype', Object.create(null)],
    ['a symbol', Symbol('s')],
  ])('%s', (_, thrown) => {
    const error = embeddingFailure(thrown, space);
    expect(error).toMatchObject({ code: 'EMBEDDING_FAILED', retryable: false });
    expect(error.message).not.toMatch(/temporary|try again/i);
  });
});
