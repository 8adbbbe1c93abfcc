import type { Timing } from '../../src/environment/timing';

/** Time in which waits take no time, and are written down. */
export interface FakeTiming extends Timing {
  readonly waits: number[];
}

/** Chance is always that number; the clock begins at that moment. */
export function fakeTiming({ jitter = 0.5, now = Date.UTC(2026, 0, 1) } = {}): FakeTiming {
  let elapsed = 0;
  const waits: number[] = [];
  return {
    waits,
    pause: async (ms, signal) => {
      waits.push(ms);
      if (!signal?.aborted) elapsed += ms;
    },
    elapsedMs: () => elapsed,
    now: () => now + elapsed,
    jitter: () => jitter,
  };
}
