import { pause } from '../../environment/timers';
import type { ChangeFeed } from '../../recall/watch';

/** A feed that can be told of changes and closed. */
export interface OwnedFeed extends ChangeFeed {
  changed(): void;
  close(): void;
}

/** The feed of the process that writes: it resolves when that process has committed a change. */
export class ChangeSignal implements OwnedFeed {
  #waiting = new Set<(more: boolean) => void>();
  #closed = false;

  changed(): void {
    this.#resolveAll(true);
  }

  close(): void {
    this.#closed = true;
    this.#resolveAll(false);
  }

  next(signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = () => settle(false);
      const settle = (more: boolean) => {
        this.#waiting.delete(settle);
        signal.removeEventListener('abort', onAbort);
        resolve(more);
      };
      this.#waiting.add(settle);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #resolveAll(more: boolean): void {
    for (const settle of [...this.#waiting]) settle(more);
  }
}

const pollMs = 100;

/** The feed of a process that reads beside the owner of the folder. SQLite does not report commits of other processes: it polls. */
export class PolledFeed implements OwnedFeed {
  readonly #closing = new AbortController();

  async next(signal: AbortSignal): Promise<boolean> {
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    if (ended.aborted) return false;
    await pause(pollMs, ended);
    return !ended.aborted;
  }

  changed(): void {
    // The next poll finds the change.
  }

  close(): void {
    this.#closing.abort();
  }
}
