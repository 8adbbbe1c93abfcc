const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when the signal is aborted, until the returned function is called. Each signal gets one event listener,
 * however many wait for it: Node prints a warning at the eleventh, and thousands of calls may share a signal.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const known = listeners.get(signal);
  const waiting = known ?? new Set();
  if (known === undefined) {
    listeners.set(signal, waiting);
    signal.addEventListener('abort', () => [...waiting].forEach((waits) => void waits()), { once: true });
  }
  waiting.add(listener);
  return () => waiting.delete(listener);
}
