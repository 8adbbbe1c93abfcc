import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, MemoryError, MemoryStore, type Metadata, type OpenOptions } from 'multi-agent-memory';
import { expect, onTestFinished } from 'vitest';

/** Everybody may do everything to memories, everywhere. */
export const openToAll = [allow('everyone', 'curator', [])];

/** A store in memory, open to all unless told otherwise, that ends with the test. */
export async function openInMemory<M = Metadata>(options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
  const store = await MemoryStore.inMemory<M>({ access: openToAll, ...options });
  onTestFinished(() => ended(store));
  return store;
}

/** A store in a folder, open to all unless told otherwise, that ends with the test. */
export async function openFolder<M = Metadata>(folder: string, options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
  const store = await MemoryStore.open<M>(folder, options.readOnly ? options : { access: openToAll, ...options });
  onTestFinished(() => ended(store));
  return store;
}

/** Closes a store, in which no compiled filter may have let through what the check on the way out stopped. */
export async function ended<M>(store: MemoryStore<M>): Promise<void> {
  const rejected = await store.stats().then(
    ({ recheckRejected }) => recheckRejected,
    // The test has closed it.
    () => 0,
  );
  await store.close();
  expect(rejected, 'records that only the second check stopped').toBe(0);
}

/** An empty folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multi-agent-memory-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What a call was refused with. Fails where it was not refused, or with something that is no MemoryError. */
export async function refusal(call: () => PromiseLike<unknown> | unknown): Promise<MemoryError> {
  try {
    await call();
  } catch (error) {
    if (MemoryError.is(error)) return error;
    throw error;
  }
  throw new Error('The call was not refused.');
}

/** The code that a call was refused with. */
export async function codeOf(call: () => PromiseLike<unknown> | unknown): Promise<string> {
  return (await refusal(call)).code;
}

/** Where the issues of a refused call stand, as `filter.tags`. */
export async function issuePaths(call: () => PromiseLike<unknown> | unknown): Promise<string[]> {
  const error = await refusal(call);
  expect(error.code).toBe('INVALID_INPUT');
  return [...new Set(error.issues.map(({ path }) => path.join('.')))].sort();
}

/** Everything that an iterable yields. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of source) found.push(each);
  return found;
}

/** The first so many that an iterable yields; its end is asked for after them. */
export async function take<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  if (count === 0) return found;
  for await (const each of source) {
    found.push(each);
    if (found.length === count) break;
  }
  return found;
}
