import { MemoryError } from '../domain/errors';
import { onAbort, startDeadline } from '../environment/timers';
import type { Timing } from '../environment/timing';
import type { ModelKind } from './model-kind';
import type { RateLimit } from './rate-limit';

// Exponential backoff with full jitter: a random wait between 0 and an upper bound, which doubles with each retry
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). The bounds are the same as in the clients of OpenAI.
const minBackoffMs = 500;
const maxBackoffMs = 8000;

/** How often a request is sent, and how long it may take. */
export interface RetryPolicy {
  /** The largest number of requests after the first one. */
  readonly maxRetries: number;
  /** The time limit of one request. */
  readonly requestTimeoutMs: number;
  /** The time limit of all requests and waits together. */
  readonly timeoutMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { maxRetries: 4, requestTimeoutMs: 20_000, timeoutMs: 60_000 };

/** The result of one request. Only a retryable error leads to another request. */
export type Attempt<T> = { readonly value: T } | { readonly error: MemoryError };

/** The server to which requests are sent, and the state that all requests share. */
export interface Provider {
  readonly kind: ModelKind;
  readonly model: string;
  readonly policy: RetryPolicy;
  readonly limit: RateLimit;
  readonly timing: Timing;
}

/**
 * Sends a request until it succeeds, fails with an error that is not retryable, or reaches a limit of the retry policy. The wait
 * before a retry is the wait of the rate limit plus a random backoff. Rejects with the last error, or with the reason of the signal
 * as soon as that is aborted.
 *
 * @param send Sends one request. If it ignores its signal, it is no longer waited for. It may reject only after its signal was
 * aborted.
 */
export async function withRetries<T>(
  provider: Provider,
  send: (signal: AbortSignal) => Promise<Attempt<T>>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { policy, limit, timing } = provider;
  const started = timing.elapsedMs();
  const leftMs = () => policy.timeoutMs - (timing.elapsedMs() - started);
  let error: MemoryError | undefined;
  for (let failures = 0; failures <= policy.maxRetries; failures++) {
    const waitMs = limit.waitMs + (failures === 0 ? 0 : timing.jitter() * backoffMs(failures));
    if (waitMs >= leftMs()) throw error ?? rateLimited(provider);
    if (waitMs > 0) await timing.pause(waitMs, signal);
    signal?.throwIfAborted();
    const outcome = await inTime(provider, send, Math.min(policy.requestTimeoutMs, leftMs()), signal);
    if ('value' in outcome) return outcome.value;
    error = outcome.error;
    if (!error.retryable) break;
  }
  throw error;
}

/** Limits a wait that the server did not request to 8 seconds. Sending another request costs less than waiting too long. */
export function capWaitMs(ms: number): number {
  return Math.min(maxBackoffMs, ms);
}

function backoffMs(failures: number): number {
  return Math.min(maxBackoffMs, minBackoffMs * 2 ** (failures - 1));
}

async function inTime<T>(
  { kind, model }: Provider,
  send: (signal: AbortSignal) => Promise<Attempt<T>>,
  ms: number,
  caller: AbortSignal | undefined,
): Promise<Attempt<T>> {
  const deadline = startDeadline(Math.max(1, ms), caller);
  // Also ends the wait itself, because `send` may ignore its signal.
  let stopListening: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stopListening = onAbort(deadline.signal, () => reject(deadline.signal.reason));
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([send(deadline.signal), aborted]);
  } catch (thrown) {
    // Not the deadline but the caller has aborted: passes on the reason of the caller's signal.
    if (!deadline.isOver) throw thrown;
    const message = `The provider of ${model} did not respond within ${Math.round(ms)} ms. Try again, or allow more time.`;
    return { error: new MemoryError(kind.failed, message, { retryable: true }) };
  } finally {
    stopListening?.();
    deadline.end();
  }
}

function rateLimited({ kind, model, limit, policy }: Provider): MemoryError {
  const message = `The provider of ${model} accepts no requests for another ${Math.ceil(limit.waitMs)} ms, but 'timeoutMs' is ${policy.timeoutMs}. Try again later.`;
  return new MemoryError(kind.failed, message, { retryable: true });
}
