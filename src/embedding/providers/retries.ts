import { MemoryError } from '../../domain/errors';
import { startDeadline } from '../../environment/timers';
import type { Timing } from '../../environment/timing';
import { onAbort } from '../batching/abort-listener';
import type { RateLimit } from './rate-limit';

// Exponential backoff with full jitter: a wait by chance between nothing and a bound that doubles
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). First and last bound as in OpenAI's own clients.
const firstBoundMs = 500;
const lastBoundMs = 8000;

/** How long a provider is tried. */
export interface Patience {
  /** Requests that are sent again after the first one failed. */
  readonly maxRetries: number;
  /** Of one request. */
  readonly requestTimeoutMs: number;
  /** Of a request with all that follow it. */
  readonly timeoutMs: number;
}

/** How long a provider is tried where nothing is said. */
export const defaultPatience: Patience = { maxRetries: 4, requestTimeoutMs: 20_000, timeoutMs: 60_000 };

/** What became of one request: what it was sent for, or an error. Only one that is retryable is followed by another request. */
export type Attempt<T> = { readonly value: T } | { readonly error: MemoryError };

/** Whom the requests go to, and what holds for all of them. */
export interface Provider {
  readonly model: string;
  readonly patience: Patience;
  readonly limit: RateLimit;
  readonly timing: Timing;
}

/**
 * Sends a request until it succeeds, fails for good, or patience ends. Waits as long as the rate limit says, and by chance a bit
 * longer. Rejects with the signal's reason, as soon as it is aborted, or with the last error.
 *
 * @param send Heeds its signal, or is left behind. May reject only when that is aborted.
 */
export async function untilAnswered<T>(
  { model, patience, limit, timing }: Provider,
  send: (signal: AbortSignal) => Promise<Attempt<T>>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const started = timing.elapsedMs();
  const leftMs = () => patience.timeoutMs - (timing.elapsedMs() - started);
  let error: MemoryError | undefined;
  for (let failures = 0; failures <= patience.maxRetries; failures++) {
    const waitMs = limit.waitMs + (failures === 0 ? 0 : timing.jitter() * boundMs(failures));
    if (waitMs >= leftMs()) throw error ?? tooLong(model, limit.waitMs, patience);
    if (waitMs > 0) await timing.pause(waitMs, signal);
    signal?.throwIfAborted();
    const outcome = await inTime(model, send, Math.min(patience.requestTimeoutMs, leftMs()), signal);
    if ('value' in outcome) return outcome.value;
    error = outcome.error;
    if (!error.retryable) break;
  }
  throw error;
}

/** The longest that is waited by guess: a try is worth more than a guess. */
export function guessedWaitMs(ms: number): number {
  return Math.min(lastBoundMs, ms);
}

function boundMs(failures: number): number {
  return Math.min(lastBoundMs, firstBoundMs * 2 ** (failures - 1));
}

async function inTime<T>(
  model: string,
  send: (signal: AbortSignal) => Promise<Attempt<T>>,
  ms: number,
  caller: AbortSignal | undefined,
): Promise<Attempt<T>> {
  const deadline = startDeadline(Math.max(1, ms), caller);
  // What does not heed the signal must not be waited for.
  let stopListening: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stopListening = onAbort(deadline.signal, () => reject(deadline.signal.reason));
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([send(deadline.signal), aborted]);
  } catch (thrown) {
    // The caller's reason.
    if (!deadline.isOver) throw thrown;
    const message = `The provider of ${model} gave no answer within ${Math.round(ms)} ms. Try again, or allow more time.`;
    return { error: new MemoryError('EMBEDDING_FAILED', message, { retryable: true }) };
  } finally {
    stopListening?.();
    deadline.end();
  }
}

function tooLong(model: string, waitMs: number, { timeoutMs }: Patience): MemoryError {
  const message = `The provider of ${model} wants no requests for another ${Math.ceil(waitMs)} ms, and 'timeoutMs' is ${timeoutMs}. Try again then.`;
  return new MemoryError('EMBEDDING_FAILED', message, { retryable: true });
}
