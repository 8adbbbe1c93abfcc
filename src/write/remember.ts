import type { Remembered } from '../domain/memory';
import { check } from './draft';
import { storeAll } from './in-space';
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
  const [remembered] = await storeAll(context, [candidate], { author, at, signal });
  return remembered as Remembered;
}
