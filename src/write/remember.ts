import type { Remembered } from '../domain/memory';
import { check } from './draft';
import { finish } from './embed';
import { propose } from './propose';
import { stampOf } from './stamp';
import type { Author, WriteContext } from './write-context';

/** Stores one memory. */
export async function remember(
  context: WriteContext,
  author: Author,
  input: { text: unknown; signal?: AbortSignal },
): Promise<Remembered> {
  const { signal } = input;
  const at = context.clock.now();
  const candidate = await check(context, author, input);
  signal?.throwIfAborted();
  const { idempotency } = candidate.draft;
  // A replay costs no embedding. `apply` looks again, and decides.
  const duplicate = idempotency && context.findDuplicate(author.actor, idempotency);
  if (duplicate !== undefined) return duplicate;
  const drafts = await finish(context, [candidate], at, signal === undefined ? {} : { signal });
  signal?.throwIfAborted();
  const { remembered } = await propose(context, {
    type: 'remember',
    drafts,
    stamp: stampOf(context, author, at),
  });
  return remembered[0] as Remembered;
}
