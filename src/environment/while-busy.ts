import { MemoryError } from '../domain/errors';
import { pause, realTimers, startStopwatch } from './timers';

/** How long a call waits for a database that another program locks. SQLite's own wait would block the event loop. */
const maxBusyMs = 5_000;
const retryMs = 20;

/**
 * Runs a function. While it fails with STORE_BUSY, runs it again after a pause in which the event loop goes on, for up to 5 seconds.
 *
 * @throws STORE_BUSY after that time, and every other error at once
 */
export async function whileBusy<T>(run: () => T | Promise<T>): Promise<T> {
  const elapsedMs = startStopwatch();
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isBusy(error) || elapsedMs() > maxBusyMs) throw error;
      await pause(retryMs, undefined, { keepsAlive: true, timers: realTimers });
    }
  }
}

/** Whether another program locks the database. */
export function isBusy(error: unknown): boolean {
  return MemoryError.is(error) && error.code === 'STORE_BUSY';
}
