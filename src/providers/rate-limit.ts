import type { Timing } from '../environment/timing';

/** The part of `Headers` that is used here. */
export interface HeaderFields {
  get(name: string): string | null;
}

/** The milliseconds in each unit of durations such as `6m0s`, `1.5s` and `20ms`. */
const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/**
 * Returns how long the server asks clients to wait, in milliseconds. It reads `Retry-After`, in seconds or as a date (RFC 9110,
 * 10.2.3), or `retry-after-ms`, which OpenAI's servers also send. A date is compared with the `Date` header of the response if there
 * is one, because the clocks of two machines differ.
 */
export function retryAfterMs(headers: HeaderFields, now: () => number): number | undefined {
  const exact = nonNegative(headers.get('retry-after-ms'));
  if (exact !== undefined) return exact;
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = nonNegative(value);
  if (seconds !== undefined) return seconds * 1000;
  // HTTP dates begin with a weekday. `Date.parse` accepts much more: it reads '-5' as a month.
  const until = /^[a-z]{3,9}[, ]/i.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(until)) return undefined;
  const sent = Date.parse(headers.get('date') ?? '');
  return Math.max(0, until - (Number.isNaN(sent) ? now() : sent));
}

/**
 * Returns the time until an exhausted limit resets, in milliseconds, from the `x-ratelimit-` headers of OpenAI and compatible
 * servers (https://platform.openai.com/docs/guides/rate-limits). Undefined while no limit is exhausted.
 */
export function rateLimitResetMs(headers: HeaderFields): number | undefined {
  const waits = ['requests', 'tokens'].flatMap((resource) => {
    if (nonNegative(headers.get(`x-ratelimit-remaining-${resource}`)) !== 0) return [];
    return durationMs(headers.get(`x-ratelimit-reset-${resource}`) ?? '') ?? [];
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function durationMs(text: string): number | undefined {
  const seconds = nonNegative(text);
  if (seconds !== undefined) return seconds * 1000;
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) sum += Number(amount) * unitMs[unit!]!;
  return sum;
}

function nonNegative(text: string | null): number | undefined {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

/** Remembers until when a server accepts no requests. All callers of a model share it. */
export class RateLimit {
  readonly #timing: Timing;
  #openAt = 0;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** Milliseconds until the next request may be sent. */
  get waitMs(): number {
    return Math.max(0, this.#openAt - this.#timing.elapsedMs());
  }

  /** Blocks requests for this many milliseconds from now. Never shortens an earlier block. */
  blockFor(ms: number): void {
    this.#openAt = Math.max(this.#openAt, this.#timing.elapsedMs() + ms);
  }
}
