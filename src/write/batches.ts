/**
 * Reads a source in batches. It reads the next batch only when the consumer asks for it. An abort ends the iteration immediately, even
 * if the source does not answer. The source is then asked to close.
 */
export async function* batchesOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<T[]> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let ended = false;
  try {
    while (!ended) {
      const batch: T[] = [];
      while (batch.length < size && !ended) {
        const next = await unlessAborted(() => source.next(), signal);
        if (next.done === true) ended = true;
        else batch.push(next.value);
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    // `return` is not awaited, because a source that does not answer `next` may not answer `return` either.
    if (!ended) void Promise.resolve(source.return?.()).catch(() => undefined);
  }
}

function unlessAborted<T>(next: () => T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    Promise.resolve()
      .then(next)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
