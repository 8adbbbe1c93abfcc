import { invalidInput } from '../domain/errors';
import { describeValue } from '../domain/realms';

/**
 * Reads a source in batches. It reads the next batch only when the consumer asks for it. An abort ends the iteration immediately, even
 * if the source does not answer. The source is then asked to close.
 *
 * @throws INVALID_INPUT if the source is no iterator. A step that is no object would look like one that is not the last, for ever.
 */
export async function* batchesOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<T[]> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  if (typeof source?.next !== 'function') throw notIterable('an iterator with a method next()', source);
  let ended = false;
  try {
    while (!ended) {
      const batch: T[] = [];
      while (batch.length < size && !ended) {
        const next = await unlessAborted(() => source.next(), signal);
        if (typeof next !== 'object' || next === null) throw notIterable('objects from next() of the iterator', next);
        if (next.done === true) ended = true;
        else batch.push(next.value);
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    // `return` is not awaited, because a source that does not answer `next` may not answer `return` either.
    if (!ended)
      void Promise.resolve()
        .then(() => source.return?.())
        .catch(() => undefined);
  }
}

function notIterable(what: string, got: unknown) {
  return invalidInput([{ path: ['items'], message: `expected ${what}, got ${describeValue(got)}.` }]);
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
