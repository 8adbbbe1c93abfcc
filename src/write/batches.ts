import { MemoryError } from '../domain/errors';

/** Takes items off a source in batches, and no faster than they are asked for. */
export async function* batchesOf<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** An error of this library as it is; any other is thrown. */
export function asRefusal(error: unknown): MemoryError {
  if (MemoryError.is(error)) return error;
  throw error;
}
