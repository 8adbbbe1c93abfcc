import type { LongCallOptions } from '../domain/calls';
import { defined } from '../domain/defined';
import { startStopwatch } from '../environment/timers';
import type { ChangeOptions } from './change';
import { submit } from './submit';
import type { Author, WriteContext } from './write-context';

// Many ids share the cost of one commit, but not so many that other writes have to wait long.
const idsPerCommand = 100;

/** Forgets one memory. Returns false if the memory does not exist, or if the author may not read it. */
export async function forget(
  context: WriteContext,
  author: Author,
  id: string,
  { ifRevision, signal }: ChangeOptions,
): Promise<boolean> {
  signal?.throwIfAborted();
  const { forgotten } = await submit(context, author, { type: 'forget', ids: [id], ...defined({ ifRevision }) });
  return forgotten.length > 0;
}

type Unset<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Forgets many memories, 100 in each transaction. Returns the ids of the memories that were forgotten. */
export async function forgetAll(
  context: WriteContext,
  author: Author,
  ids: readonly string[],
  { signal, onProgress }: Unset<LongCallOptions>,
): Promise<string[]> {
  const forgotten: string[] = [];
  const elapsedMs = startStopwatch();
  for (let from = 0; from < ids.length; from += idsPerCommand) {
    signal?.throwIfAborted();
    const some = ids.slice(from, from + idsPerCommand);
    forgotten.push(...(await submit(context, author, { type: 'forget', ids: some })).forgotten);
    const done = from + some.length;
    onProgress?.({ phase: 'forget', done, failed: 0, total: ids.length, perSecond: (done / elapsedMs()) * 1000 });
  }
  return forgotten;
}
