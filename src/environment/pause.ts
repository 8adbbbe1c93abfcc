/** The machine's, taken when the module is loaded: fake timers that are installed later do not hold them up. */
export const realTimers: Timers = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

interface Timers {
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
}

/**
 * Resolves after that many milliseconds, or when the signal is aborted. Keeps no process alive, unless somebody waits for what
 * comes after it.
 */
export function pause(
  ms: number,
  signal?: AbortSignal,
  { keepsAlive = false, timers = globalThis as Timers } = {},
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timers.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = timers.setTimeout(done, ms);
    if (!keepsAlive) timer.unref();
    signal?.addEventListener('abort', done, { once: true });
  });
}
