import type { LabelChange } from '../domain/command';
import type { Memory } from '../domain/memory';
import { propose } from './propose';
import { stampOf } from './stamp';
import type { ChangeOptions } from './update';
import type { Author, WriteContext } from './write-context';

/** Changes who may read a memory. */
export async function share(
  context: WriteContext,
  author: Author,
  id: string,
  change: LabelChange,
  { ifRevision, signal }: ChangeOptions,
): Promise<Memory> {
  signal?.throwIfAborted();
  const { memory } = await propose(context, {
    type: 'share',
    id,
    change,
    ...(ifRevision === undefined ? {} : { ifRevision }),
    stamp: stampOf(context, author),
  });
  return memory;
}
