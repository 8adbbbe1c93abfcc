import type { Call } from '../domain/calls';
import type { Draft, Embedded } from '../domain/command';
import type { Candidate } from './draft';
import type { WriteContext } from './write-context';

/** Makes drafts of candidates: their vectors in one batch, then id and time. */
export async function finish(
  context: WriteContext,
  candidates: readonly Candidate[],
  at: number,
  call: Call,
): Promise<Draft[]> {
  const toEmbed = candidates.filter(({ given, embed }) => embed && given === undefined);
  const embedded = await context.embedder.documents(
    toEmbed.map(({ draft }) => draft.text),
    call,
  );
  const vectors = new Map<Candidate, Embedded>(toEmbed.map((candidate, i) => [candidate, embedded[i] as Embedded]));
  return candidates.map((candidate) => {
    const own = candidate.given ?? vectors.get(candidate);
    const validFrom = candidate.draft.validFrom ?? at;
    return { ...candidate.draft, id: context.newId(), validFrom, ...(own === undefined ? {} : { embedded: own }) };
  });
}
