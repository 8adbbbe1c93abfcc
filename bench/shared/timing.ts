import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';

/** Milliseconds until it is done. */
export async function milliseconds(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Runs both, the first one first in every second round, so that neither always finds the caches as the other left them. */
export async function interleaved(round: number, a: () => Promise<void>, b: () => Promise<void>): Promise<void> {
  const [first, second] = round % 2 === 0 ? [a, b] : [b, a];
  await first();
  await second();
}

/** Lets garbage and write-backs of what went before settle, so that they do not count against what comes. */
export async function calm(): Promise<void> {
  globalThis.gc?.();
  await setTimeout(200);
}

const resolutionMs = 1;

/**
 * Runs something and gives the 99th percentile of how late timers were meanwhile, in milliseconds. A timer of 1 ms is sampled
 * and its own millisecond taken off; a turn that holds the loop for long is one sample, as it is for whoever waits behind it.
 */
export async function eventLoopDelayP99(run: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  await run();
  histogram.disable();
  return Math.max(0, histogram.percentile(99) / 1e6 - resolutionMs);
}
