import { MessageChannel } from 'node:worker_threads';

// Saved when the module is loaded, so that fake timers which are installed later do not stop a write.
const immediately = globalThis.setImmediate;
// The fake timers of @sinonjs/fake-timers, which Vitest and Jest use, have a property `clock`.
const isFake = 'clock' in immediately;

/** Resolves in a later turn of the event loop, after pending input and output. Works under fake timers too. */
export const nextTurn: () => Promise<void> = isFake
  ? turnsOfMessages()
  : () => new Promise((resolve) => void immediately(resolve));

/** Makes turns of the event loop with messages instead of timers, which costs five times as much. */
function turnsOfMessages(): () => Promise<void> {
  const { port1: there, port2: back } = new MessageChannel();
  const waiting: (() => void)[] = [];
  // A port delivers up to a thousand messages before it lets input and output run. But a message that is sent while the other port
  // handles its event is delivered in the next turn. So each message is sent to the other port and back.
  back.on('message', () => back.postMessage(undefined));
  there.on('message', () => waiting.shift()?.());
  // A listener keeps the process alive, but an idle channel must not.
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

/** The real timers of the machine, saved when the module is loaded, so that fake timers which are installed later do not replace them. */
export const realTimers: Timers = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

interface Timers {
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
}

/**
 * Resolves after this many milliseconds, or when the signal is aborted.
 *
 * @param keepsAlive Whether the process stays alive until then. Default: false.
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

/** A time limit that a caller can also end earlier with a signal. */
export interface Deadline {
  /** Aborted when the time is over, or when the signal of the caller is aborted. */
  readonly signal: AbortSignal;
  /** Whether the time is over. */
  readonly isOver: boolean;
  /** Releases the timer. Call it when the deadline is no longer needed. */
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

/** Starts a stopwatch. The returned function gives the milliseconds since the start. Unlike a clock it never goes back. */
export function startStopwatch(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}

const abortListeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when the signal is aborted. The returned function removes the listener. All listeners of a signal share one event
 * listener, because thousands of calls may share a signal and Node prints a warning at the eleventh event listener.
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

/** Calls `action` after this many milliseconds. The returned function cancels it. */
export type Schedule = (ms: number, action: () => void) => () => void;

/** Schedules with the timers of the moment, so that it works under fake timers. It does not keep the process alive. */
export const schedule: Schedule = (ms, action) => {
  const timer = setTimeout(action, ms);
  timer.unref?.();
  return () => clearTimeout(timer);
};

/** Schedules with the real timers of the machine. It does not keep the process alive. */
export const realSchedule: Schedule = (ms, action) => {
  const timer = realTimers.setTimeout(action, ms);
  timer.unref();
  return () => realTimers.clearTimeout(timer);
};

const longMs = 2 ** 31 - 1;

/** Keeps the process alive until a promise settles, even if it waits only for sockets and timers that do not. */
export async function aliveWhile<T>(awaited: Promise<T>): Promise<T> {
  const timer = realTimers.setTimeout(() => undefined, longMs);
  try {
    return await awaited;
  } finally {
    realTimers.clearTimeout(timer);
  }
}
