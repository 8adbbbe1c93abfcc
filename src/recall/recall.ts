import { invalidInput, MemoryError } from '../domain/errors';
import type { Hit } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import type { EmbeddingSpace } from '../embedding/embedder';
import { isSameSpace } from '../embedding/space-embedder';
import { nextTurn } from '../environment/timers';
import { analyzeQuery } from '../keyword-index/analyzer';
import type { Space } from '../state/tables/interning';
import { fusionCandidates, maxFusedMatches } from './fusion-candidates';
import type { ReadContext } from './read-context';
import { recheck } from './recheck';
import { answerBytesOf, inLaterTurn, RecordLoader } from './record-loader';
import { type Candidates, findKeywordMatches, type RankedRow, type RecallMode, rank } from './score';
import { compileSelection, type VisibleSet } from './visible-set';

export interface RecallRequest {
  readonly query: string;
  readonly selection: ParsedSelection;
  readonly topK: number;
  readonly mode: RecallMode;
  readonly threshold: number;
  readonly explain: boolean;
  /** The query's vector, scaled to length 1, if the caller passes one. */
  readonly vector: Float32Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The vector for a query, and the embedding space that the vector belongs to. Both are undefined in 'keyword' mode. */
interface QueryVector {
  readonly vector: Float32Array | undefined;
  readonly space: Space | EmbeddingSpace | undefined;
}

interface Search extends QueryVector {
  readonly terms: readonly string[];
  /** The number of rows that each index should return. */
  readonly candidateLimit: number;
  readonly loader: RecordLoader;
}

type SearchResult =
  | { readonly type: 'hits'; readonly hits: Hit[] }
  /** A row that is not among the candidates may still be one of the best. */
  | { readonly type: 'more-candidates-needed' }
  /** The rules changed during the search. It may have used rows that the caller may not read any more. */
  | { readonly type: 'rules-changed' }
  /** The hits are read in several turns of the event loop, and this one read some of them. */
  | { readonly type: 'more-turns-needed' }
  /** The store switched to another embedding space. The query's vector cannot be compared with vectors there. */
  | { readonly type: 'space-changed' };

/** Finds the memories that match a query best. */
export async function recall(context: ReadContext, caller: Caller, request: RecallRequest): Promise<Hit[]> {
  const { mode, signal, query } = request;
  const terms = mode === 'semantic' ? [] : analyzeQuery(query);
  let queryVector = await embedQuery(context, request);
  let candidateLimit = request.topK * 2 + 16;
  const loader = new RecordLoader(context);
  for (;;) {
    signal?.throwIfAborted();
    loader.beginTurn();
    const result = await search(context, caller, request, { ...queryVector, terms, candidateLimit, loader });
    switch (result.type) {
      case 'hits':
        return result.hits;
      case 'rules-changed':
        break;
      case 'space-changed':
        if (request.vector !== undefined) throw spaceMismatch(context);
        queryVector = await embedQuery(context, request);
        break;
      case 'more-turns-needed':
        await nextTurn();
        break;
      case 'more-candidates-needed':
        candidateLimit *= 4;
    }
  }
}

async function embedQuery(
  { embedder, state }: ReadContext,
  { mode, vector, query, signal }: RecallRequest,
): Promise<QueryVector> {
  if (mode === 'keyword') return { vector: undefined, space: undefined };
  // A store gets its space with its first vector. Until then, the embedder's space is used instead.
  const space = state.interning.currentSpace ?? embedder.space;
  return { vector: vector ?? (await embedder.query(query, signal === undefined ? {} : { signal })), space };
}

async function search(
  context: ReadContext,
  caller: Caller,
  request: RecallRequest,
  { vector, space, terms, candidateLimit, loader }: Search,
): Promise<SearchResult> {
  const { state } = context;
  const version = state.policy.version;
  const changeSeq = state.lastChangeSeq;
  const compiled = compileSelection(context, caller, request.selection);
  if (compiled === undefined) return { type: 'hits', hits: [] };
  let visible = context.visible.get(compiled);
  const { now } = compiled;
  const hasMoved = () => space !== undefined && isOtherSpace(state.interning.currentSpace, space);
  if (hasMoved()) return { type: 'space-changed' };
  const candidates = await findCandidates(context, request, { vector, terms, candidateLimit, visible, now }).catch(
    (error: unknown) => {
      // If the store has switched to another space, vectors in the previous space may have been deleted while they were read.
      if (hasMoved()) return undefined;
      throw error;
    },
  );
  if (candidates === undefined) return { type: 'space-changed' };
  // This function awaits nothing, so rules, texts, vectors and records belong to the same moment.
  return context.snapshot((): SearchResult => {
    if (state.policy.version !== version) return { type: 'rules-changed' };
    if (hasMoved()) return { type: 'space-changed' };
    const isUnchanged = state.lastChangeSeq === changeSeq;
    if (!isUnchanged) visible = context.visible.get(compiled);
    const { mode, threshold, topK } = request;
    const { ranked, bestUnseen } = rank(context, {
      mode,
      threshold,
      vector,
      terms,
      candidateLimit,
      now,
      visible,
      nearest: candidates.nearest,
      fused: candidates.fused,
      keywordMatches: isUnchanged ? candidates.keywordMatches : undefined,
    });
    const lowest = ranked[topK - 1]?.score ?? Number.NEGATIVE_INFINITY;
    const mayMiss = bestUnseen >= 0 && lowest <= bestUnseen;
    if (mayMiss && mayFindMore(context, request, visible, candidateLimit)) return { type: 'more-candidates-needed' };
    const hits = loadHits(context, caller, loader, bestOf(context, ranked, topK), request);
    return hits === inLaterTurn ? { type: 'more-turns-needed' } : { type: 'hits', hits };
  });
}

function isOtherSpace(current: Space | undefined, expected: Space | EmbeddingSpace): boolean {
  if ('id' in expected) return current?.id !== expected.id;
  return current !== undefined && !isSameSpace(current.name, expected);
}

type CandidateSearch = Pick<Search, 'vector' | 'terms' | 'candidateLimit'> & {
  readonly visible: VisibleSet;
  readonly now: number;
};

/** Finds the nearest vectors. In a large visible set, it also finds keyword matches that may be among the best when both scores count. */
async function findCandidates(
  context: ReadContext,
  { mode, topK }: RecallRequest,
  { vector, terms, candidateLimit, visible, now }: CandidateSearch,
): Promise<Candidates> {
  const index = context.vectors();
  if (vector === undefined || index === undefined) return { nearest: [], fused: [], keywordMatches: undefined };
  const isSearchedExactly = visible.vectors.count <= context.exactUpTo;
  // Fusion needs estimates of the cosine, which exist for at most `exactUpTo` rows.
  const limit = Math.max(1, Math.min(maxFusedMatches, context.exactUpTo));
  const fuses = mode === 'hybrid' && !isSearchedExactly;
  const matches = fuses ? findKeywordMatches(context, { terms, visible }, limit) : undefined;
  const nearest = await index.search(vector, visible.vectors, candidateLimit);
  if (matches === undefined) return { nearest, fused: [], keywordMatches: undefined };
  const fused = await fusionCandidates(context, index, { vector, now, visible, matches, nearest, topK });
  return { nearest, fused, keywordMatches: matches };
}

function spaceMismatch({ embedder }: ReadContext): MemoryError {
  const message = `The store moved to another embedding space while this search ran. Give a vector of ${embedder.space.model}.`;
  return new MemoryError('EMBEDDER_MISMATCH', message);
}

// Without this limit, a search among many identical texts could load all of them.
const maxCandidates = 4_096;

/** Checks whether a search should ask for more candidates until the best are certain. An approximate search does not do this. */
function mayFindMore(
  { exactUpTo }: ReadContext,
  { mode }: RecallRequest,
  visible: VisibleSet,
  candidateLimit: number,
): boolean {
  const isExact = mode === 'keyword' || visible.vectors.count <= exactUpTo;
  return isExact && candidateLimit < Math.min(maxCandidates, visible.texts);
}

/** Sorts the best rows in the order of the answer. Every row with the lowest score is ordered, because the order of rows says nothing. */
function bestOf({ state }: ReadContext, ranked: readonly RankedRow[], topK: number): RankedRow[] {
  const lowest = ranked[topK - 1]?.score ?? Number.NEGATIVE_INFINITY;
  const best = ranked.filter(({ score }) => score >= lowest);
  const places = new Map(best.map(({ row }) => [row, state.records.placeOf(row)]));
  const place = ({ row }: RankedRow) => places.get(row) ?? { id: '', created_at: 0 };
  return best.sort((one, other) => {
    const [a, b] = [place(one), place(other)];
    return other.score - one.score || b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
  });
}

/** Loads the best rows and applies the second access check to each. */
function loadHits(
  context: ReadContext,
  caller: Caller,
  loader: RecordLoader,
  best: readonly RankedRow[],
  { topK, explain }: Pick<RecallRequest, 'topK' | 'explain'>,
): Hit[] | typeof inLaterTurn {
  const hits: Hit[] = [];
  let bytes = 0;
  for (const { row, score, parts } of best) {
    if (hits.length === topK) break;
    const record = loader.get(row);
    if (record === inLaterTurn) return inLaterTurn;
    const memory = record && recheck(context, caller, record);
    if (record === undefined || memory === undefined) continue;
    bytes += answerBytesOf(record);
    if (bytes > context.limits.answerBytes && hits.length > 0) throw tooManyBytes(hits.length);
    hits.push(explain ? { ...memory, score, parts } : { ...memory, score });
  }
  return hits;
}

function tooManyBytes(fitting: number): MemoryError {
  const message = `expected a number of hits that fit into one answer (limits.answerBytes), got more. The best ${fitting} fit.`;
  return invalidInput([{ path: ['topK'], message }]);
}
