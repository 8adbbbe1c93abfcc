import { systemClock } from './environment';
import { pause, startStopwatch } from './timers';

/** Time and randomness, as retries need them. */
export interface Timing {
  /** Resolves after this many milliseconds, or when the signal is aborted. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Milliseconds since some moment. Never goes back. */
  elapsedMs(): number;
  /** Epoch milliseconds. */
  now(): number;
  /** A random number from 0 to 1, without 1, so that calls which failed together do not retry together. */
  jitter(): number;
}

/** The time and the randomness of the machine. */
export const systemTiming: Timing = {
  pause: (ms, signal) => pause(ms, signal, { keepsAlive: true }),
  elapsedMs: startStopwatch(),
  now: () => systemClock.now(),
  jitter: () => Math.random(),
};
