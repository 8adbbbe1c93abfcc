import { MessageChannel } from 'node:worker_threads';

// Taken when the module is loaded: fake timers that are installed later must not hold up a write.
const immediately = globalThis.setImmediate;
// Those of @sinonjs/fake-timers, which Vitest and Jest use, carry their clock.
const isFake = 'clock' in immediately;

/** Resolves in a later turn of the event loop, after input and output had theirs. Real under fake timers, too. */
export const nextTurn: () => Promise<void> = isFake
  ? turnsOfMessages()
  : () => new Promise((resolve) => void immediately(resolve));

/** Turns without timers, at five times the cost. */
function turnsOfMessages(): () => Promise<void> {
  const { port1: there, port2: back } = new MessageChannel();
  const waiting: (() => void)[] = [];
  // There and back: a port hands out up to a thousand messages before input and output have their turn, but what a port is
  // sent from the event of the other one waits for the next turn.
  back.on('message', () => back.postMessage(undefined));
  there.on('message', () => waiting.shift()?.());
  // `on` takes a reference to the event loop; an idle channel must not keep a process alive.
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

/** Time that ends by itself, sooner when a caller has had enough, or when it is told to. */
export interface Deadline {
  /** Aborted when the time is up, or with the caller's signal. */
  readonly signal: AbortSignal;
  /** Whether the time is up. */
  readonly isOver: boolean;
  /** To be called when nothing waits for it any more. */
  end(): void;
}

/** Starts a time of that many milliseconds. */
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

/** Milliseconds since the stopwatch was started. For figures shown to people; nothing is decided by it. */
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
