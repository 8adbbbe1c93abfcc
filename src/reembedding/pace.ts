import { pause, realTimers } from '../environment/timers';

/** Holds long work back: while it is paused, and to a number of items a second. */
export interface Pace {
  /** Resolves when the next items may begin. Rejects with the signal's reason when it is aborted. */
  next(items: number, signal: AbortSignal): Promise<void>;
  /** Leaves the event loop to others for a while, until the signal is aborted. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
}

/** As fast as it goes. */
export const unpaced: Pace = {
  next: async (_, signal) => signal.throwIfAborted(),
  rest: (ms, signal) => pause(ms, signal, { timers: realTimers }),
};

export interface PaceOptions {
  /** Milliseconds since some moment. */
  elapsedMs(): number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** The pace of work that somebody may pause. */
export class PausablePace implements Pace {
  readonly #options: PaceOptions;
  #resumed: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #maxPerSecond = Number.POSITIVE_INFINITY;
  /** When the items before are used up at the allowed rate. */
  #freeAtMs = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  limit(maxPerSecond: number): void {
    this.#maxPerSecond = maxPerSecond;
  }

  pause(): void {
    if (this.#resumed !== undefined) return;
    let resolve = (): void => undefined;
    const promise = new Promise<void>((resolved) => {
      resolve = resolved;
    });
    this.#resumed = { promise, resolve };
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  rest(ms: number, signal: AbortSignal): Promise<void> {
    return this.#options.pause(ms, signal);
  }

  async next(items: number, signal: AbortSignal): Promise<void> {
    const { elapsedMs, pause } = this.#options;
    const waitMs = this.#freeAtMs - elapsedMs();
    if (waitMs > 0) await pause(waitMs, signal);
    this.#freeAtMs = Math.max(this.#freeAtMs, elapsedMs()) + (items / this.#maxPerSecond) * 1000;
    while (this.#resumed !== undefined && !signal.aborted) await untilAborted(this.#resumed.promise, signal);
    signal.throwIfAborted();
  }
}

function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    void promise.then(done);
  });
}
