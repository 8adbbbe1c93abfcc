import { MessageChannel } from 'node:worker_threads';

// Taken when the module is loaded, so that fake timers which are installed later do not stop a write.
const immediately = globalThis.setImmediate;
// The fake timers of @sinonjs/fake-timers, which Vitest and Jest use, have a property `clock`.
const isFake = 'clock' in immediately;

/** Resolves in a later turn of the event loop, after pending input and output. Works under fake timers too. */
export const nextTurn: () => Promise<void> = isFake
  ? turnsOfMessages()
  : () => new Promise((resolve) => void immediately(resolve));

/** Turns of the event loop by messages in place of timers, at five times the cost. */
function turnsOfMessages(): () => Promise<void> {
  const { port1: there, port2: back } = new MessageChannel();
  const waiting: (() => void)[] = [];
  // A port delivers up to a thousand messages before it lets input and output run. A message that is sent from the event of the other
  // port waits for the next turn, hence the way there and back.
  back.on('message', () => back.postMessage(undefined));
  there.on('message', () => waiting.shift()?.());
  // `on` keeps the process alive. An idle channel must not.
  back.unref();
  there.unref();
  return () =>
    new Promise((resolve) => {
      if (waiting.length === 0) there.ref();
      waiting.push(() => {
        if (waiting.length === 0) there.unref();
        resolve();
      });
      there.postMessage(undefined);
    });
}

/** The timers of the machine, taken when the module is loaded, so that fake timers which are installed later do not stop them. */
export const realTimers: Timers = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

interface Timers {
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
}

/**
 * Resolves after this many milliseconds, or when the signal is aborted.
 *
 * @param keepsAlive Whether the process stays alive for it. Default: false.
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

/** A period of time that ends by itself, or earlier with the signal of a caller. */
export interface Deadline {
  /** Aborted when the time is over, or with the signal of the caller. */
  readonly signal: AbortSignal;
  /** Whether the time is over. */
  readonly isOver: boolean;
  /** Releases the timer. To be called when the deadline is not needed any more. */
  end(): void;
}

/** Starts a deadline of this many milliseconds. */
export function startDeadline(ms: number, caller?: AbortSignal): Deadline {
  const controller = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, ms);
  const onAbort = () => controller.abort(caller?.reason);
  if (caller?.aborted) onAbort();
  caller?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    get isOver() {
      return isOver;
    },
    end: () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', onAbort);
    },
  };
}

/** Starts a stopwatch. The function returns the milliseconds since then. It never goes back, unlike a clock. */
export function startStopwatch(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}

const abortListeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when the signal is aborted, until the returned function is called. All listeners of a signal share one event
 * listener: Node prints a warning at the eleventh, and thousands of calls may share a signal.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const known = abortListeners.get(signal);
  const listeners = known ?? new Set();
  if (known === undefined) {
    abortListeners.set(signal, listeners);
    signal.addEventListener('abort', () => [...listeners].forEach((each) => void each()), { once: true });
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}
