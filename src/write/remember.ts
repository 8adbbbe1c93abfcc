import type { RememberResult } from '../domain/memory';
import { checkMemory } from './check';
import { embedAndStore } from './embed-and-store';
import type { Author, WriteContext } from './write-context';

/** Stores one memory. */
export async function remember(
  context: WriteContext,
  author: Author,
  input: { text: unknown; signal?: AbortSignal },
): Promise<RememberResult> {
  const { signal } = input;
  const at = context.clock.now();
  const candidate = await checkMemory(context, author, input);
  signal?.throwIfAborted();
  const { idempotency } = candidate.draft;
  // A replay costs no embedding. `apply` looks again, and decides.
  const duplicate = idempotency && context.findDuplicate(author.actor, idempotency);
  if (duplicate !== undefined) return duplicate;
  const [remembered] = await embedAndStore(context, [candidate], { author, at, signal });
  return remembered as RememberResult;
}
