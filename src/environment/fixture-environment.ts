import { type Clock, type Environment, systemEnvironment } from './environment';

/**
 * Makes an environment that is the same in every run: a clock that starts with 2026 and advances a millisecond with every reading,
 * ids that count up, and fixed bytes. Each part that the host passes replaces the default.
 */
export function fixtureEnvironment(own: Partial<Environment> = {}): Environment {
  let ids = 0;
  return systemEnvironment({
    clock: fakeClock(undefined, 1),
    newId: () => `00000000-0000-7000-8000-${(++ids).toString(16).padStart(12, '0')}`,
    randomBytes: (length) => new Uint8Array(length).fill(7),
    ...own,
  });
}

/** A clock that advances only when a test tells it to. */
export interface FakeClock extends Clock {
  /** Advances the clock by this many milliseconds. */
  advance(ms: number): void;
}

const start = Date.UTC(2026, 0, 1);

/**
 * Makes a clock for tests.
 *
 * @param startMs The first time, in epoch milliseconds. Default: 2026-01-01T00:00:00Z.
 * @param tickMs How many milliseconds each reading advances the clock. Default: 0.
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
