import type { Call } from '../domain/calls';
import type { Draft, Embedded } from '../domain/command';
import type { Candidate } from './draft';
import type { WriteContext } from './write-context';

/** Makes drafts of candidates: their vectors in one batch for each space, then id and time. */
export async function finish(
  context: WriteContext,
  candidates: readonly Candidate[],
  at: number,
  call: Call,
): Promise<Draft[]> {
  const embedded = candidates.filter(({ given, embed }) => embed || given !== undefined);
  const texts = (some: readonly Candidate[]) => some.map(({ draft }) => draft.text);
  const own = embedded.filter(({ given }) => given === undefined);
  const [vectors, elsewhere] = await Promise.all([
    context.embedder.documents(texts(own), call),
    context.embedder.elsewhere(texts(embedded), call),
  ]);
  const ownVectors = new Map(own.map((candidate, i) => [candidate, vectors[i]]));
  const others = new Map(embedded.map((candidate, i) => [candidate, elsewhere[i]]));
  return candidates.map((candidate) => ({
    ...candidate.draft,
    id: context.newId(),
    validFrom: candidate.draft.validFrom ?? at,
    ...vectorsOf(candidate.given ?? ownVectors.get(candidate), others.get(candidate)),
  }));
}

/** Vectors as commands carry them. */
export function vectorsOf(embedded: Embedded | undefined, others: readonly Embedded[] = []) {
  if (embedded === undefined) return {};
  return others.length === 0 ? { embedded } : { embedded, alsoEmbedded: others };
}
