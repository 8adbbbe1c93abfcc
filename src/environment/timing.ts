import { systemClock } from './environment';
import { pause, startStopwatch } from './timers';

/** The time and randomness that retries need. */
export interface Timing {
  /** Resolves after this many milliseconds, or when the signal is aborted. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Returns the milliseconds since some fixed moment. Never goes back. */
  elapsedMs(): number;
  /** Returns the time in epoch milliseconds. */
  now(): number;
  /** Returns a random number that is at least 0 and less than 1. It spreads the retries of calls that failed at the same time. */
  jitter(): number;
}

/** The time and the randomness of the machine. */
export const systemTiming: Timing = {
  pause: (ms, signal) => pause(ms, signal, { keepsAlive: true }),
  elapsedMs: startStopwatch(),
  now: () => systemClock.now(),
  jitter: () => Math.random(),
};
