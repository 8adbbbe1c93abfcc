/**
 * Resolves after that many milliseconds, or when the signal is aborted. Keeps no process alive, unless somebody waits for what
 * comes after it.
 */
export function pause(ms: number, signal?: AbortSignal, { keepsAlive = false } = {}): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (!keepsAlive) timer.unref();
    signal?.addEventListener('abort', done, { once: true });
  });
}
