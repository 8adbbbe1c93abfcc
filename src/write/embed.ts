import type { CallOptions } from '../domain/calls';
import type { ChunkVectors, MemoryDraft } from '../domain/command';
import type { CheckedMemory } from './check';
import type { WriteContext } from './write-context';

/** Makes drafts of candidates: their vectors in one batch, then id and time. */
export async function finish(
  context: WriteContext,
  candidates: readonly CheckedMemory[],
  at: number,
  call: CallOptions,
): Promise<MemoryDraft[]> {
  const toEmbed = candidates.filter(({ given, embed }) => embed && given === undefined);
  const embedded = await context.embedder.documents(
    toEmbed.map(({ draft }) => draft.text),
    call,
  );
  const vectors = new Map<CheckedMemory, ChunkVectors>(
    toEmbed.map((candidate, i) => [candidate, embedded[i] as ChunkVectors]),
  );
  return candidates.map((candidate) => {
    const own = candidate.given ?? vectors.get(candidate);
    const validFrom = candidate.draft.validFrom ?? at;
    return { ...candidate.draft, id: context.newId(), validFrom, ...(own === undefined ? {} : { embedded: own }) };
  });
}
