import type { ChunkVectors, MemoryDraft } from '../domain/command';
import { MemoryError } from '../domain/errors';
import type { RememberResult } from '../domain/memory';
import { isSame } from '../embedding/space-embedder';
import type { CheckedMemory } from './check';
import { finish } from './embed';
import { propose } from './propose';
import { stampOf } from './stamp';
import type { Author, WriteContext } from './write-context';

/** Whether a write was refused because the store moved on to another embedding space after its vectors were made. */
export function hasMoved(
  { embedder }: Pick<WriteContext, 'embedder'>,
  embedded: ChunkVectors | undefined,
  error: unknown,
): boolean {
  const isMismatch = MemoryError.is(error) && error.code === 'EMBEDDER_MISMATCH';
  return isMismatch && embedded !== undefined && !isSame(embedded.space, embedder.space);
}

export interface Writing {
  readonly author: Author;
  readonly at: number;
  readonly signal?: AbortSignal | undefined;
}

/** Embeds candidates, unless that was done, and stores them in one command. */
export async function embedAndStore(
  context: WriteContext,
  candidates: readonly CheckedMemory[],
  { author, at, signal }: Writing,
  embedded?: readonly MemoryDraft[],
): Promise<readonly RememberResult[]> {
  const call = signal === undefined ? {} : { signal };
  let drafts = embedded ?? (await finish(context, candidates, at, call));
  for (;;) {
    signal?.throwIfAborted();
    try {
      const stamp = stampOf(context, author, at);
      return (await propose(context, { type: 'remember', drafts, stamp })).remembered;
    } catch (error) {
      // A vector that somebody brought lies in the space for which it was brought.
      const isOurs = candidates.every(({ given }) => given === undefined);
      if (!isOurs || !drafts.some((draft) => hasMoved(context, draft.embedded, error))) throw error;
      drafts = await finish(context, candidates, at, call);
    }
  }
}
