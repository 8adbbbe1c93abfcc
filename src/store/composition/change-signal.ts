import type { ChangeFeed } from '../../recall/watch';

/** Wakes whoever waits for changes. */
export class ChangeSignal implements ChangeFeed {
  #waiting = new Set<(more: boolean) => void>();
  #closed = false;

  changed(): void {
    this.#wake(true);
  }

  close(): void {
    this.#closed = true;
    this.#wake(false);
  }

  next(signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = () => wake(false);
      const wake = (more: boolean) => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', onAbort);
        resolve(more);
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(more: boolean): void {
    for (const wake of [...this.#waiting]) wake(more);
  }
}
