import { MemoryError } from '../../domain/errors';
import { onAbort, startDeadline } from '../../environment/timers';
import type { Timing } from '../../environment/timing';
import type { RateLimit } from './rate-limit';

// Exponential backoff with full jitter: a random wait between 0 and a bound that doubles with each retry
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). The bounds are those of OpenAI's clients.
const minBackoffMs = 500;
const maxBackoffMs = 8000;

/** How often and how long a request is tried. */
export interface RetryPolicy {
  /** Requests after the first one. */
  readonly maxRetries: number;
  /** The time of one request. */
  readonly requestTimeoutMs: number;
  /** The time of all requests and waits together. */
  readonly timeoutMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { maxRetries: 4, requestTimeoutMs: 20_000, timeoutMs: 60_000 };

/** The result of one request. Only a retryable error leads to another request. */
export type Attempt<T> = { readonly value: T } | { readonly error: MemoryError };

/** The server that requests go to, and what all requests share. */
export interface Provider {
  readonly model: string;
  readonly policy: RetryPolicy;
  readonly limit: RateLimit;
  readonly timing: Timing;
}

/**
 * Sends a request until it succeeds, fails with an error that is not retryable, or the retry policy ends it. Each wait is that of
 * the rate limit plus a random backoff. Rejects with the last error, or with the reason of the signal as soon as it is aborted.
 *
 * @param send Sends one request. It is abandoned if it ignores its signal. It may reject only when its signal is aborted.
 */
export async function withRetries<T>(
  { model, policy, limit, timing }: Provider,
  send: (signal: AbortSignal) => Promise<Attempt<T>>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const started = timing.elapsedMs();
  const leftMs = () => policy.timeoutMs - (timing.elapsedMs() - started);
  let error: MemoryError | undefined;
  for (let failures = 0; failures <= policy.maxRetries; failures++) {
    const waitMs = limit.waitMs + (failures === 0 ? 0 : timing.jitter() * backoffMs(failures));
    if (waitMs >= leftMs()) throw error ?? rateLimited(model, limit.waitMs, policy);
    if (waitMs > 0) await timing.pause(waitMs, signal);
    signal?.throwIfAborted();
    const outcome = await inTime(model, send, Math.min(policy.requestTimeoutMs, leftMs()), signal);
    if ('value' in outcome) return outcome.value;
    error = outcome.error;
    if (!error.retryable) break;
  }
  throw error;
}

/** A wait that the server did not ask for is at most 8 seconds: another request costs less than a longer guess. */
export function capWaitMs(ms: number): number {
  return Math.min(maxBackoffMs, ms);
}

function backoffMs(failures: number): number {
  return Math.min(maxBackoffMs, minBackoffMs * 2 ** (failures - 1));
}

async function inTime<T>(
  model: string,
  send: (signal: AbortSignal) => Promise<Attempt<T>>,
  ms: number,
  caller: AbortSignal | undefined,
): Promise<Attempt<T>> {
  const deadline = startDeadline(Math.max(1, ms), caller);
  // `send` may ignore its signal.
  let stopListening: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stopListening = onAbort(deadline.signal, () => reject(deadline.signal.reason));
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([send(deadline.signal), aborted]);
  } catch (thrown) {
    // The reason of the caller's signal.
    if (!deadline.isOver) throw thrown;
    const message = `The provider of ${model} did not respond within ${Math.round(ms)} ms. Try again, or allow more time.`;
    return { error: new MemoryError('EMBEDDING_FAILED', message, { retryable: true }) };
  } finally {
    stopListening?.();
    deadline.end();
  }
}

function rateLimited(model: string, waitMs: number, { timeoutMs }: RetryPolicy): MemoryError {
  const message = `The provider of ${model} accepts no requests for another ${Math.ceil(waitMs)} ms, but 'timeoutMs' is ${timeoutMs}. Try again later.`;
  return new MemoryError('EMBEDDING_FAILED', message, { retryable: true });
}
