import { type Clock, type Environment, systemEnvironment } from './environment';

/**
 * The same clock, ids and bytes in every run: a clock that begins with 2026 and moves a millisecond with every reading, and
 * ids that count. What the host brings takes the place of each.
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
