import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';

/** The milliseconds until `run` is done. */
export async function milliseconds(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Runs both. The order alternates between rounds, so that neither always benefits from the caches of the other. */
export async function interleaved(round: number, a: () => Promise<void>, b: () => Promise<void>): Promise<void> {
  const [first, second] = round % 2 === 0 ? [a, b] : [b, a];
  await first();
  await second();
}

/** Waits for garbage collection and write-backs of earlier work, so that they do not affect the next measurement. */
export async function calm(): Promise<void> {
  globalThis.gc?.();
  await setTimeout(200);
}

const resolutionMs = 1;

/**
 * Runs something and returns the 99th percentile of the delay of timers in that time, in milliseconds. Each sample is a timer of 1 ms,
 * less its own millisecond. A turn that blocks the event loop for long counts as one sample.
 */
export async function eventLoopDelayP99(run: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  await run();
  histogram.disable();
  return Math.max(0, histogram.percentile(99) / 1e6 - resolutionMs);
}
