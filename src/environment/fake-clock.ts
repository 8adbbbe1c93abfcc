import type { Clock } from './clock';

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves on by that many milliseconds. */
  advance(ms: number): void;
}

const start = Date.UTC(2026, 0, 1);

/**
 * A clock for tests.
 *
 * @param startMs Epoch milliseconds; default: the first of January 2026, 00:00 UTC.
 * @param tickMs How far it moves with every reading; default: 0.
 */
export function fakeClock(startMs = start, tickMs = 0): FakeClock {
  let now = startMs;
  return {
    now: () => {
      const reading = now;
      now += tickMs;
      return reading;
    },
    advance: (ms) => {
      now += ms;
    },
  };
}
