import type { Relabelling } from '../domain/command';
import type { Memory } from '../domain/memory';
import { propose } from './propose';
import type { ChangeOptions } from './update';
import type { Author, WriteContext } from './write-context';

/** Changes who may read a memory. */
export async function share(
  context: WriteContext,
  { actor, bound }: Author,
  id: string,
  change: Relabelling,
  { ifRevision, signal }: ChangeOptions,
): Promise<Memory> {
  signal?.throwIfAborted();
  const { memory } = await propose(context, {
    type: 'share',
    id,
    change,
    ...(ifRevision === undefined ? {} : { ifRevision }),
    stamp: { at: context.clock.now(), by: actor, within: bound },
  });
  return memory;
}
