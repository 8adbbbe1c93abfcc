import { MemoryError } from '../domain/errors';
import type { Hit } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { EmbeddingSpace } from '../embedding/embedder';
import { isSame } from '../embedding/space-embedder';
import { analyzeQuery } from '../keyword-index/analyzer';
import type { KeywordMatches } from '../keyword-index/keyword-index';
import type { Space } from '../state/tables/interning';
import type { VectorCandidate } from '../vector-index/vector-index';
import { compileSelection } from './compile-selection';
import { fusionCandidates, weighedWords } from './fusion-candidates';
import { hydrate } from './hydrate';
import { matchesOf, rank } from './rank';
import type { ReadContext, Reader } from './read-context';
import type { Mode } from './score';
import type { Visible } from './visible';

export interface RecallRequest {
  readonly query: string;
  readonly selection: ParsedSelection;
  readonly topK: number;
  readonly mode: Mode;
  readonly threshold: number;
  readonly explain: boolean;
  /** The query's vector, of length 1, where the caller brings it. */
  readonly vector: Float32Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The best memories for a query. */
export async function recall(context: ReadContext, reader: Reader, request: RecallRequest): Promise<Hit[]> {
  const { mode, signal, query } = request;
  const terms = mode === 'semantic' ? [] : analyzeQuery(query);
  let aimed = await aim(context, request);
  let proposals = request.topK * 2 + 16;
  for (;;) {
    signal?.throwIfAborted();
    const found = await search(context, reader, request, { ...aimed, terms, proposals });
    if (found === 'rules changed') continue;
    if (found === 'space changed') {
      if (request.vector !== undefined) throw moved(context);
      aimed = await aim(context, request);
      continue;
    }
    if (found !== 'more') return found;
    proposals *= 4;
  }
}

/** The query's vector, and the space that it lies in. */
async function aim(
  { embedder, state }: ReadContext,
  { mode, vector, query, signal }: RecallRequest,
): Promise<Pick<Question, 'vector' | 'space'>> {
  if (mode === 'keyword') return { vector: undefined, space: undefined };
  // A store without vectors gets its first in the space of its embedder, which may be another by then.
  const space = state.interning.currentSpace ?? embedder.space;
  return { vector: vector ?? (await embedder.query(query, signal === undefined ? {} : { signal })), space };
}

interface Question {
  readonly vector: Float32Array | undefined;
  readonly space: Space | EmbeddingSpace | undefined;
  readonly terms: readonly string[];
  /** How many rows each index proposes. */
  readonly proposals: number;
}

/**
 * One search. Answers 'more' where a row that was not proposed might yet belong to the best, 'rules changed' where what was
 * searched may no longer be what the reader may read, and 'space changed' where vectors no longer compare with the query's.
 */
async function search(context: ReadContext, reader: Reader, request: RecallRequest, question: Question) {
  const { state } = context;
  const version = state.policy.version;
  const seen = state.lastChangeSeq;
  const selected = compileSelection(context, reader, request.selection);
  if (selected === undefined) return [];
  let visible = context.visible.get(selected);
  const { space, proposals } = question;
  const { now } = selected;
  const hasMoved = () => space !== undefined && isElsewhere(state.interning.currentSpace, space);
  if (hasMoved()) return 'space changed';
  const proposed = await propose(context, request, question, { visible, now }).catch((error: unknown) => {
    // Vectors of a space that was left under the search may be gone.
    if (hasMoved()) return undefined;
    throw error;
  });
  if (proposed === undefined) return 'space changed';
  // In here nothing is awaited: rules, words, vectors and records are those of one moment.
  return context.snapshot(() => {
    if (state.policy.version !== version) return 'rules changed';
    if (hasMoved()) return 'space changed';
    const isSame = state.lastChangeSeq === seen;
    if (!isSame) visible = context.visible.get(selected);
    const words = isSame ? proposed.words : undefined;
    const { ranked, beyond } = rank(context, { ...request, ...question, ...proposed, words, now, visible });
    const last = ranked[request.topK - 1]?.score ?? Number.NEGATIVE_INFINITY;
    if (beyond >= 0 && last <= beyond && mayAskForMore(context, request, visible, proposals)) return 'more';
    return hydrate(context, reader, ranked, { topK: request.topK, explain: request.explain });
  });
}

function isElsewhere(current: Space | undefined, aimed: Space | EmbeddingSpace): boolean {
  if ('id' in aimed) return current?.id !== aimed.id;
  return current !== undefined && !isSame(current.name, aimed);
}

interface Proposed {
  readonly nearest: readonly VectorCandidate[];
  readonly promising: readonly VectorCandidate[];
  /** What matches by words, where it was looked for. */
  readonly words: KeywordMatches | undefined;
}

/** What the index of vectors proposes; of what is many, also what words and meaning together speak for. */
async function propose(
  context: ReadContext,
  { mode, topK }: RecallRequest,
  { vector, terms, proposals }: Question,
  { visible, now }: { readonly visible: Visible; readonly now: number },
): Promise<Proposed> {
  const index = context.vectors();
  if (vector === undefined || index === undefined) return { nearest: [], promising: [], words: undefined };
  const isFew = visible.vectors.count <= context.exactUpTo;
  // No more than are searched exactly, which is where estimates come from.
  const weighed = Math.max(1, Math.min(weighedWords, context.exactUpTo));
  const words = mode === 'hybrid' && !isFew ? matchesOf(context, { terms, visible }, weighed) : undefined;
  const nearest = await index.search(vector, visible.vectors, proposals);
  if (words === undefined) return { nearest, promising: [], words };
  const weighing = { vector, now, visible, words, nearest, topK };
  return { nearest, promising: await fusionCandidates(context, index, weighing), words };
}

function moved({ embedder }: ReadContext): MemoryError {
  const message = `The store moved on to another embedding space while this search ran: bring a vector of ${embedder.space.model}.`;
  return new MemoryError('EMBEDDER_MISMATCH', message);
}

// Texts that are all alike could make a search load every one of them.
const mostProposals = 4_096;

/** What is few is searched until the best are certain; of what is many, the nearest of each kind have to do. */
function mayAskForMore(
  { exactUpTo }: ReadContext,
  { mode }: RecallRequest,
  visible: Visible,
  proposals: number,
): boolean {
  const isExact = mode === 'keyword' || visible.vectors.count <= exactUpTo;
  return isExact && proposals < Math.min(mostProposals, visible.texts);
}
