import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/domain/errors';
import { RateLimit, rateLimitResetMs, retryAfterMs } from '../../src/embedding/providers/rate-limit';
import { type Attempt, defaultRetryPolicy, withRetries } from '../../src/embedding/providers/retries';
import { fakeTiming } from './fake-timing';

const failed = (retryable = true): Attempt<string> => ({
  error: new MemoryError('EMBEDDING_FAILED', 'No.', { retryable }),
});

function providerIn(timing = fakeTiming(), policy = {}) {
  return { model: 'm', policy: { ...defaultRetryPolicy, ...policy }, limit: new RateLimit(timing), timing };
}

describe('a request', () => {
  test('waits by chance up to a bound that doubles from half a second to eight', async () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(unit, async (jitter) => {
        const timing = fakeTiming({ jitter });
        const provider = providerIn(timing, { maxRetries: 7, timeoutMs: 1e6 });
        await expect(withRetries(provider, async () => failed(), undefined)).rejects.toThrow('No.');
        const bounds = [500, 1000, 2000, 4000, 8000, 8000, 8000];
        // A wait of nothing is none.
        expect(timing.waits).toEqual(bounds.map((bound) => bound * jitter).filter((ms) => ms > 0));
      }),
      { numRuns: 20 },
    );
  });

  test('is sent once where its failure is not retryable, and never without policy for one', async () => {
    let sent = 0;
    const send = async () => {
      sent++;
      return failed(false);
    };
    await expect(withRetries(providerIn(), send, undefined)).rejects.toThrow('No.');
    expect(sent).toBe(1);
  });

  test('whose signal is aborted before, is not sent', async () => {
    const reason = new Error('enough');
    const send = () => Promise.reject(new Error('sent'));
    await expect(withRetries(providerIn(), send, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('what a server asks for', () => {
  const now = () => Date.UTC(2026, 0, 1);
  const asked = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), now);

  test('a date is compared with the server’s own clock, and with this one where it tells none', () => {
    const until = 'Thu, 01 Jan 2026 00:00:30 GMT';
    expect(asked({ 'retry-after': until })).toBe(30_000);
    expect(asked({ 'retry-after': until, date: 'Thu, 01 Jan 2026 00:00:20 GMT' })).toBe(10_000);
  });

  test.each(['', '-5', 'soon', 'NaN', '1e9'])('nonsense is nothing: %j', (value) => {
    expect(asked({ 'retry-after': value })).toBeUndefined();
  });

  test.each([
    ['1s', 1000],
    ['6m0s', 360_000],
    ['20ms', 20],
    ['1h2m3.5s', 3_723_500],
    ['2', 2000],
    ['soon', undefined],
  ])('a reset in %s', (value, ms) => {
    const headers = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': value };
    expect(rateLimitResetMs(new Headers(headers))).toBe(ms);
  });

  test('of two limits that are used up the later counts', () => {
    const headers = {
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '5s',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1s',
    };
    expect(rateLimitResetMs(new Headers(headers))).toBe(5000);
  });

  test('a shorter wait never takes the place of a longer one', () => {
    const limit = new RateLimit(fakeTiming());
    limit.blockFor(500);
    limit.blockFor(100);
    expect(limit.waitMs).toBe(500);
  });
});
