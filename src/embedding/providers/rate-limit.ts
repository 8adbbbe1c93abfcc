import type { Timing } from '../../environment/timing';

/** What is used of `Headers`. */
export interface HeaderFields {
  get(name: string): string | null;
}

/** Milliseconds of each unit in which a reset is told: `6m0s`, `1.5s`, `20ms`. */
const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/**
 * Milliseconds that a server asks to wait before the next request: its `Retry-After` in seconds or as a date (RFC 9110, 10.2.3),
 * or `retry-after-ms`, which OpenAI's servers send beside it. A date is compared with the answer's own `Date` where it has one:
 * the clocks of two machines differ.
 */
export function askedToWaitMs(headers: HeaderFields, now: () => number): number | undefined {
  const exact = nonNegative(headers.get('retry-after-ms'));
  if (exact !== undefined) return exact;
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = nonNegative(value);
  if (seconds !== undefined) return seconds * 1000;
  // Beside the dates of HTTP, which begin with a day, `Date.parse` reads much else: '-5' is a month.
  const until = /^[a-z]{3,9}[, ]/i.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(until)) return undefined;
  const sent = Date.parse(headers.get('date') ?? '');
  return Math.max(0, until - (Number.isNaN(sent) ? now() : sent));
}

/**
 * Milliseconds until a limit that is used up is full again, by the `x-ratelimit-` headers of OpenAI and those who follow it
 * (https://platform.openai.com/docs/guides/rate-limits). Undefined while something is left.
 */
export function untilResetMs(headers: HeaderFields): number | undefined {
  const waits = ['requests', 'tokens'].flatMap((what) => {
    if (nonNegative(headers.get(`x-ratelimit-remaining-${what}`)) !== 0) return [];
    return durationMs(headers.get(`x-ratelimit-reset-${what}`) ?? '') ?? [];
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function durationMs(text: string): number | undefined {
  const seconds = nonNegative(text);
  if (seconds !== undefined) return seconds * 1000;
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) sum += Number(amount) * units[unit!]!;
  return sum;
}

function nonNegative(text: string | null): number | undefined {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

/** Until when a server wants no requests. One for all callers of an embedder: what one of them is told holds for each. */
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

  /** No requests for so many milliseconds from now. */
  closeFor(ms: number): void {
    this.#openAt = Math.max(this.#openAt, this.#timing.elapsedMs() + ms);
  }
}
