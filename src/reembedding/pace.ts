import { pause, realTimers } from '../environment/timers';

/** Slows down long work: limits the number of items per second, and can pause. */
export interface Pace {
  /** Resolves when the next items may start. Rejects with the reason of the signal when it is aborted. */
  next(items: number, signal: AbortSignal): Promise<void>;
  /** Waits for some milliseconds, or until the signal is aborted, so that other work can use the event loop. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
}

/** A pace without a limit and without pauses. */
export const unpaced: Pace = {
  next: async (_, signal) => signal.throwIfAborted(),
  rest: (ms, signal) => pause(ms, signal, { timers: realTimers }),
};

export interface PaceOptions {
  /** Returns the milliseconds since some fixed moment. */
  elapsedMs(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** A pace that a caller can pause, resume and limit. */
export class PausablePace implements Pace {
  readonly #options: PaceOptions;
  #paused: { readonly resumed: Promise<void>; readonly resume: () => void } | undefined;
  #maxPerSecond = Number.POSITIVE_INFINITY;
  /** The time from which the limit allows the next items. */
  #nextAtMs = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  limit(maxPerSecond: number): void {
    this.#maxPerSecond = maxPerSecond;
  }

  pause(): void {
    if (this.#paused !== undefined) return;
    let resume = (): void => undefined;
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    this.#paused = { resumed, resume };
  }

  resume(): void {
    this.#paused?.resume();
    this.#paused = undefined;
  }

  rest(ms: number, signal: AbortSignal): Promise<void> {
    return this.#options.pause(ms, signal);
  }

  async next(items: number, signal: AbortSignal): Promise<void> {
    const { elapsedMs } = this.#options;
    const waitMs = this.#nextAtMs - elapsedMs();
    if (waitMs > 0) await this.#options.pause(waitMs, signal);
    this.#nextAtMs = Math.max(this.#nextAtMs, elapsedMs()) + (items / this.#maxPerSecond) * 1000;
    while (this.#paused !== undefined && !signal.aborted) await unlessAborted(this.#paused.resumed, signal);
    signal.throwIfAborted();
  }
}

/** Resolves when the promise resolves or the signal is aborted. */
function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    void promise.then(done);
  });
}
