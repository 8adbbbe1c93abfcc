import type { Progress } from '../domain/calls';
import { startStopwatch } from '../environment/timers';
import { propose } from './propose';
import { stampOf } from './stamp';
import type { ChangeOptions } from './update';
import type { Author, WriteContext } from './write-context';

// Large enough for one commit to pay, small enough for others to write in between.
const idsPerCommand = 100;

/** Forgets one memory. False where there is none, or none that may be read. */
export async function forget(
  context: WriteContext,
  author: Author,
  id: string,
  { ifRevision, signal }: ChangeOptions,
): Promise<boolean> {
  signal?.throwIfAborted();
  const { forgotten } = await propose(context, {
    type: 'forget',
    ids: [id],
    ...(ifRevision === undefined ? {} : { ifRevision }),
    stamp: stampOf(context, author),
  });
  return forgotten.length > 0;
}

/** Forgets many memories, a part in each transaction. Answers with the ids that went. */
export async function forgetAll(
  context: WriteContext,
  author: Author,
  ids: readonly string[],
  call: { signal?: AbortSignal | undefined; onProgress?: ((progress: Progress) => void) | undefined },
): Promise<string[]> {
  const forgotten: string[] = [];
  const elapsedMs = startStopwatch();
  for (let from = 0; from < ids.length; from += idsPerCommand) {
    call.signal?.throwIfAborted();
    const part = ids.slice(from, from + idsPerCommand);
    const outcome = await propose(context, {
      type: 'forget',
      ids: part,
      stamp: stampOf(context, author),
    });
    forgotten.push(...outcome.forgotten);
    const done = from + part.length;
    call.onProgress?.({ phase: 'forget', done, failed: 0, total: ids.length, perSecond: (done / elapsedMs()) * 1000 });
  }
  return forgotten;
}
