import { pause } from '../../environment/timers';
import type { ChangeFeed } from '../../recall/watch';

const pollMs = 100;

/** Wakes who waits for changes that another process makes: SQLite tells nobody, so that it is asked. */
export class PolledFeed implements ChangeFeed {
  #closed = false;
  readonly #closing = new AbortController();

  async next(signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted) return false;
    await pause(pollMs, AbortSignal.any([signal, this.#closing.signal]));
    return !this.#closed && !signal.aborted;
  }

  changed(): void {
    // It looks by itself.
  }

  close(): void {
    this.#closed = true;
    this.#closing.abort();
  }
}
