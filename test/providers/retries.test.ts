import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/domain/errors';
import { embeddingModel } from '../../src/providers/model-kind';
import { RateLimit, rateLimitResetMs, retryAfterMs } from '../../src/providers/rate-limit';
import { type Attempt, defaultRetryPolicy, withRetries } from '../../src/providers/retries';
import { fakeTiming } from './fake-timing';

const failed = (retryable = true): Attempt<string> => ({
  error: new MemoryError('EMBEDDING_FAILED', 'No.', { retryable }),
});

function providerIn(timing = fakeTiming(), policy = {}) {
  return {
    kind: embeddingModel,
    model: 'm',
    policy: { ...defaultRetryPolicy, ...policy },
    limit: new RateLimit(timing),
    timing,
  };
}

describe('a request', () => {
  test('is retried after a random time up to a bound that doubles from 0.5 to 8 seconds', async () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(unit, async (jitter) => {
        const timing = fakeTiming({ jitter });
        const provider = providerIn(timing, { maxRetries: 7, timeoutMs: 1e6 });
        await expect(withRetries(provider, async () => failed(), undefined)).rejects.toThrow('No.');
        const bounds = [500, 1000, 2000, 4000, 8000, 8000, 8000];
        // A wait of 0 ms is skipped.
        expect(timing.waits).toEqual(bounds.map((bound) => bound * jitter).filter((ms) => ms > 0));
      }),
      { numRuns: 20 },
    );
  });

  test('is sent once if its failure is not retryable', async () => {
    let sent = 0;
    const send = async () => {
      sent++;
      return failed(false);
    };
    await expect(withRetries(providerIn(), send, undefined)).rejects.toThrow('No.');
    expect(sent).toBe(1);
  });

  test('is not sent if its signal is already aborted', async () => {
    const reason = new Error('enough');
    const send = () => Promise.reject(new Error('sent'));
    await expect(withRetries(providerIn(), send, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('the wait that a server asks for', () => {
  const now = () => Date.UTC(2026, 0, 1);
  const asked = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), now);

  test("is measured from the server's clock to the given date, or from the local clock if the response has no date", () => {
    const until = 'Thu, 01 Jan 2026 00:00:30 GMT';
    expect(asked({ 'retry-after': until })).toBe(30_000);
    expect(asked({ 'retry-after': until, date: 'Thu, 01 Jan 2026 00:00:20 GMT' })).toBe(10_000);
  });

  test.each(['', '-5', 'soon', 'NaN', '1e9'])('is undefined for an invalid `Retry-After`: %j', (value) => {
    expect(asked({ 'retry-after': value })).toBeUndefined();
  });

  test.each([
    ['1s', 1000],
    ['6m0s', 360_000],
    ['20ms', 20],
    ['1h2m3.5s', 3_723_500],
    ['2', 2000],
    ['soon', undefined],
  ])('is read from the reset time of an exhausted rate limit: %s', (value, ms) => {
    const headers = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': value };
    expect(rateLimitResetMs(new Headers(headers))).toBe(ms);
  });

  test('is the longer one if two limits are exhausted', () => {
    const headers = {
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '5s',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1s',
    };
    expect(rateLimitResetMs(new Headers(headers))).toBe(5000);
  });

  test('is not shortened by a later, shorter wait', () => {
    const limit = new RateLimit(fakeTiming());
    limit.blockFor(500);
    limit.blockFor(100);
    expect(limit.waitMs).toBe(500);
  });
});
