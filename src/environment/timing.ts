import { systemClock } from './environment';
import { pause, startStopwatch } from './timers';

/** Time and chance, as those need them who try again. */
export interface Timing {
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Milliseconds since some moment, never going back. */
  elapsedMs(): number;
  /** Epoch milliseconds. */
  now(): number;
  /** By chance at least 0 and below 1, so that those who failed together do not come back together. */
  jitter(): number;
}

/** The machine's own. */
export const systemTiming: Timing = {
  pause: (ms, signal) => pause(ms, signal, { keepsAlive: true }),
  elapsedMs: startStopwatch(),
  now: () => systemClock.now(),
  jitter: () => Math.random(),
};
