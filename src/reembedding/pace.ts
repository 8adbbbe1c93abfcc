import { pause, realTimers } from '../environment/timers';

/** Slows long work down: it can be paused, and limited to a number of items a second. */
export interface Pace {
  /** Resolves when the next items may start. Rejects with the reason of the signal when it is aborted. */
  next(items: number, signal: AbortSignal): Promise<void>;
  /** Leaves the event loop to other work for some milliseconds, or until the signal is aborted. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
}

/** No limit and no pause. */
export const unpaced: Pace = {
  next: async (_, signal) => signal.throwIfAborted(),
  rest: (ms, signal) => pause(ms, signal, { timers: realTimers }),
};

export interface PaceOptions {
  /** Milliseconds since some moment. */
  elapsedMs(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** The pace of work that a caller can pause and resume. */
export class PausablePace implements Pace {
  readonly #options: PaceOptions;
  #paused: { readonly resumed: Promise<void>; readonly resume: () => void } | undefined;
  #maxPerSecond = Number.POSITIVE_INFINITY;
  /** When the allowed rate lets the next items start. */
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

/** Resolves with the promise, or when the signal is aborted. */
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
