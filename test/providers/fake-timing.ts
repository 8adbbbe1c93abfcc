import type { Timing } from '../../src/environment/timing';

/** A timing whose waits end at once. It records them. */
export interface FakeTiming extends Timing {
  readonly waits: number[];
}

/** A fake timing with a fixed jitter, whose clock starts at `now`. */
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
