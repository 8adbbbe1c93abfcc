import { MemoryError } from '../domain/errors';
import type { Hit, SearchSummary } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isRoot } from '../domain/principal';
import type { Caller } from '../domain/scope';
import { isReported } from '../domain/trust';
import type { EmbeddingSpace } from '../embedding/embedder';
import { isSameSpace } from '../embedding/space-embedder';
import { nextTurn } from '../environment/timers';
import { analyzeQuery } from '../keyword-index/analyzer';
import type { FilterFacts } from '../state/queries/filter-facts';
import type { Space } from '../state/tables/interning';
import type { MemoryRow } from '../state/tables/memory-row';
import type { ScanningIndex } from '../vector-index/vector-index';
import { Corroboration, leastSources } from './corroboration';
import { fusionCandidates, maxFusedMatches } from './fusion-candidates';
import { gatherFacts } from './gather-facts';
import { HitSelection, mostOffered } from './hit-selection';
import { bestOf, type HitsRequest, loadHits } from './load-hits';
import { type ComparedVectors, rankInMemory } from './rank-in-memory';
import { rankInSessions } from './rank-in-sessions';
import type { ReadContext } from './read-context';
import { inLaterTurn, RecordLoader } from './record-loader';
import { type Distinctness, SameStatements } from './same-statements';
import { type Candidates, findKeywordMatches, type RankedRow, type RecallMode, rank } from './score';
import { SourceCap, SourcePicker, unlimited } from './source-cap';
import { timesOf } from './time/question-times';
import { TimeBoost } from './time/time-boost';
import { compileSelection, type VisibleSet } from './visible-set';

export interface RecallRequest {
  readonly query: string;
  readonly selection: ParsedSelection;
  readonly topK: number;
  readonly mode: RecallMode;
  readonly threshold: number;
  /** The least sum of the semantic and the keyword part of a hit. */
  readonly leastRelevance: number;
  /** Whether the other memories of a session count for a score. */
  readonly context: boolean;
  readonly explain: boolean;
  /** The largest number of hits from one source. Undefined for the default. */
  readonly maxPerSource: number | undefined;
  /** Which memories say the same, so that only one of them is a hit. Undefined if each is one. */
  readonly distinct: Distinctness | undefined;
  /** The answer ends before it has more bytes. Undefined if more than `Limits.answerBytes` is refused. */
  readonly maxBytes: number | undefined;
  /** The query's vector, scaled to length 1, if the caller passes one. */
  readonly vector: Float32Array | undefined;
  /** The time zone of the days that the query names. Undefined if times in the query do not count. */
  readonly timeZone: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The vector for a query, and the embedding space that the vector belongs to. Both are undefined in 'keyword' mode. */
interface QueryVector {
  readonly vector: Float32Array | undefined;
  readonly space: Space | EmbeddingSpace | undefined;
}

interface Search extends QueryVector {
  readonly terms: readonly string[];
  readonly loader: RecordLoader;
  readonly facts: FilterFacts | undefined;
  readonly times: TimeBoost | undefined;
  /** How often vectors are loaded for this search, from 1. */
  readonly attempt: number;
  /** How many of the best rows are found. More than `topK` if too many of the best do not become hits. */
  readonly depth: number;
}

type SearchResult =
  | { readonly type: 'hits'; readonly hits: Hit[] }
  /** So many rows changed during the search that the store does not remember all changes. */
  | { readonly type: 'too-many-changes' }
  /** So many rows changed during the search that their vectors must be loaded again. */
  | { readonly type: 'vectors-missing' }
  /** The rules changed during the search. It may have used rows that the caller may not read any more. */
  | { readonly type: 'rules-changed' }
  /** The hits are read in several turns of the event loop, and more turns are needed. */
  | { readonly type: 'more-turns-needed' }
  /** Too many of the rows that were found exceed the cap on a source, or say the same as others. */
  | { readonly type: 'more-rows-needed' }
  /** The store switched to another embedding space. The query's vector cannot be compared with vectors there. */
  | { readonly type: 'space-changed' }
  /** Another process wrote while vectors were read, so that they may not belong to the rows that were known. */
  | { readonly type: 'rows-changed'; readonly error: unknown };

const depthFactor = 4;
// So many candidates from an index take about a second to score. Then the answer has fewer hits than it could have.
const maxDepth = 16_384;

// With more, a damaged vector in a store that is written all the time would never be reported.
const maxRepeatsAfterErrors = 3;

/** Finds the memories that match a query best. */
export async function recall(context: ReadContext, caller: Caller, request: RecallRequest): Promise<Hit[]> {
  const { mode, signal, query } = request;
  const terms = mode === 'semantic' ? [] : analyzeQuery(query);
  let queryVector = await embedQuery(context, request);
  const times = await timeBoostOf(context, request);
  const loader = new RecordLoader(context);
  const facts = request.selection.filter && (await gatherFacts(context, caller, request.selection, signal));
  let errors = 0;
  let attempt = 1;
  let depth = request.topK;
  for (;;) {
    signal?.throwIfAborted();
    loader.beginTurn();
    const searched = { ...queryVector, terms, loader, facts, times, attempt, depth };
    const result = await search(context, caller, request, searched);
    switch (result.type) {
      case 'hits':
        return result.hits;
      case 'space-changed':
        if (request.vector !== undefined) throw spaceMismatch(context);
        queryVector = await embedQuery(context, request);
        break;
      case 'more-turns-needed':
        await nextTurn();
        break;
      case 'vectors-missing':
        attempt++;
        break;
      case 'more-rows-needed':
        depth *= depthFactor;
        break;
      case 'rows-changed':
        if (++errors > maxRepeatsAfterErrors) throw result.error;
    }
  }
}

async function timeBoostOf({ clock, state }: ReadContext, { query, timeZone }: RecallRequest) {
  const times = timeZone === undefined ? [] : await timesOf(query, { now: clock.now(), timeZone });
  return times.length === 0 ? undefined : new TimeBoost(times, state.columns);
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
  { vector, space, terms, loader, facts, times, attempt, depth }: Search,
): Promise<SearchResult> {
  const { state } = context;
  // Time has passed since the call began, and another process may have written.
  context.refresh();
  const version = state.policy.version;
  const compiled = compileSelection(context, caller, request.selection, facts);
  if (compiled === undefined) return { type: 'hits', hits: [] };
  const visible = context.visible.get(compiled);
  const { now } = compiled;
  const hasMoved = () => space !== undefined && isOtherSpace(state.interning.currentSpace, space);
  if (hasMoved()) return { type: 'space-changed' };
  const found = await findRows(context, request, { vector, terms, times, visible, now, attempt, depth }).catch(
    (error: unknown): SearchResult => {
      const { changeCount } = state.columns;
      context.refresh();
      // If the store has switched to another space, vectors in the previous space may have been deleted while they were read.
      if (hasMoved()) return { type: 'space-changed' };
      if (state.columns.changeCount !== changeCount) return { type: 'rows-changed', error };
      throw error;
    },
  );
  if (!('changeCount' in found)) return found;
  // This function awaits nothing, so rules, texts, vectors and records belong to the same moment.
  return context.snapshot((): SearchResult => {
    if (state.policy.version !== version) return { type: 'rules-changed' };
    if (hasMoved()) return { type: 'space-changed' };
    const changed = state.columns.changedSince(found.changeCount);
    if (changed === undefined) return { type: 'too-many-changes' };
    const { mode, threshold, leastRelevance, topK, maxPerSource } = request;
    const inSessions = request.context && state.columns.hasSessions;
    // Compiled again, because a changed row may have labels that did not exist when the search began.
    const latest = changed.length === 0 ? compiled : compileSelection(context, caller, request.selection, facts);
    if (latest === undefined) return { type: 'rules-changed' };
    let verified = 0;
    const ranking = {
      ...{ mode, threshold, leastRelevance, topK: depth, inSessions, vector, terms, times, now },
      onScored: () => void verified++,
      visible: changed.length === 0 ? visible : context.visible.get(latest),
    };
    const changedRows = new Set(changed.map(({ row }) => row));
    const rankWith = (cap: SourceCap | undefined) =>
      found.type === 'loaded'
        ? rankInMemory(context, { ...ranking, cap, vectors: withoutChanged(found.vectors, changedRows) })
        : (inSessions ? rankInSessions : rank)(context, { ...ranking, cap, ...withoutOutdated(found, changedRows) });
    const summary = () =>
      summaryOf(context, caller, { vector, terms, times, visible: ranking.visible, found, verified });
    const isDeepest = depth >= ranking.visible.texts || (found.type === 'proposed' && depth * depthFactor > maxDepth);
    return answer(context, caller, rankWith, {
      ...{
        request: { ...request, vector },
        loader,
        visible: ranking.visible,
        depth,
        isDeepest,
        areProposed: found.type === 'proposed',
        prefersNewer: times === undefined,
      },
      cap: SourceCap.for(state, maxPerSource, topK),
      summary: request.explain ? summary : undefined,
    });
  });
}

interface Answering {
  readonly request: HitsRequest & Pick<RecallRequest, 'distinct'>;
  readonly cap: SourceCap | undefined;
  readonly loader: RecordLoader;
  readonly visible: VisibleSet;
  readonly depth: number;
  /** Whether the ranked rows were proposed by an index, so that they are not all that match. */
  readonly areProposed: boolean;
  /** Whether no more rows can be found. */
  readonly isDeepest: boolean;
  /** Whether the newer of two memories that say the same is a hit. The time that a question names decides itself. */
  readonly prefersNewer: boolean;
  /** Undefined if nothing is explained. */
  readonly summary: (() => SearchSummary) | undefined;
}

/** Ranks the rows that were found, and loads the hits. */
function answer(
  context: ReadContext,
  caller: Caller,
  rankWith: (cap: SourceCap | undefined) => RankedRow[] | undefined,
  answering: Answering,
): SearchResult {
  const { cap, loader, depth, isDeepest, request } = answering;
  const { distinct, topK } = request;
  const rankedCap = rankingCap(answering);
  const ranked = rankWith(rankedCap);
  // The best rows that exceed a cap are left out of the ranking, and explained all the same.
  const uncapped = rankedCap !== undefined && answering.summary !== undefined ? rankWith(undefined) : ranked;
  if (ranked === undefined || uncapped === undefined) return { type: 'vectors-missing' };
  const summary = answering.summary?.();
  const all = uncapped === ranked ? ranked : united(ranked, uncapped);
  const { best, isWhole } = bestOf(context, all, depth, rankedCap);
  const passedOver = new Set([...without(all, ranked), ...(distinct === undefined ? [] : beyondCap(best, rankedCap))]);
  const picker = new SourcePicker(cap);
  const same = distinct && new SameStatements(context.state, distinct);
  const selection = new HitSelection({ topK, picker, same, prefersNewer: answering.prefersNewer });
  const loaded = loadHits(context, caller, loader, best, { request, summary, selection, passedOver });
  if (loaded === inLaterTurn) return { type: 'more-turns-needed' };
  const { hits, records, isCut } = loaded;
  const isDeepEnough = isDeepest || (selection.hasMerged && depth * depthFactor > mostOffered(topK));
  if (!isCut && !isDeepEnough) {
    // An index proposes some of the rows only. If few of them become hits, others may take the places.
    const areAll = isWhole && !answering.areProposed;
    const isShort = hits.length < topK && selection.hasLeftOut && !areAll;
    if (isShort || (rankedCap !== undefined && picker.needsMoreThan(rankedCap.most)))
      return { type: 'more-rows-needed' };
  }
  if (!isCut && hits.length < topK && picker.hasOneSource)
    return answer(context, caller, rankWith, { ...answering, cap: undefined });
  addCorroboration(context, caller, answering, { hits, records });
  return { type: 'hits', hits };
}

/**
 * The cap that a ranking uses. It is wider than that of the answer if rows of a source say the same as others, because these do not count for
 * their source.
 */
function rankingCap({ cap, depth, visible, request }: Answering): SourceCap | undefined {
  if (cap === undefined || request.distinct === undefined) return cap;
  return depth >= visible.texts ? undefined : cap.times(depth / request.topK);
}

function addCorroboration(
  context: ReadContext,
  caller: Caller,
  { summary, visible }: Answering,
  { hits, records }: { readonly hits: Hit[]; readonly records: readonly MemoryRow[] },
): void {
  // It takes as long as a small search. Two others and the author of a hit are three.
  const found = hits.flatMap((hit, i) =>
    summary !== undefined || isReported(hit.trust) ? [{ hit, record: records[i] as MemoryRow }] : [],
  );
  if (found.length > 0 && context.state.interning.actorCount > leastSources) {
    new Corroboration(context, caller, visible).addTo(found);
  }
}

/** The rows that exceed a cap. A ranking has them if their scores are equal. */
function beyondCap(best: readonly RankedRow[], cap: SourceCap | undefined): number[] {
  if (cap === undefined) return [];
  const counts = new Map<number, number>();
  return best.flatMap(({ row }) => {
    const source = cap.of(row);
    const count = (counts.get(source) ?? 0) + 1;
    counts.set(source, count);
    return source !== unlimited && count > cap.most ? [row] : [];
  });
}

/** The numbers of the rows that only the first list has. */
function without(all: readonly RankedRow[], ranked: readonly RankedRow[]): ReadonlySet<number> {
  const rows = new Set(all === ranked ? [] : all.map(({ row }) => row));
  if (rows.size > 0) for (const { row } of ranked) rows.delete(row);
  return rows;
}

/** The rows of both rankings, best first. */
function united(ranked: readonly RankedRow[], uncapped: readonly RankedRow[]): RankedRow[] {
  const byRow = new Map([...uncapped, ...ranked].map((each) => [each.row, each]));
  return [...byRow.values()].sort((a, b) => b.score - a.score || a.row - b.row);
}

function isOtherSpace(current: Space | undefined, expected: Space | EmbeddingSpace): boolean {
  if ('id' in expected) return current?.id !== expected.id;
  return current !== undefined && !isSameSpace(current.name, expected);
}

/** What a search has found before it ranks rows, and the number of changes in the store when it began. */
type FoundRows = (
  | { readonly type: 'loaded'; readonly vectors: ComparedVectors | undefined }
  | ({ readonly type: 'proposed' } & Proposed)
) & { readonly changeCount: number };

type Proposed = Candidates & { readonly candidateLimit: number };

interface RowSearch {
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
  readonly times: TimeBoost | undefined;
  readonly visible: VisibleSet;
  readonly now: number;
  readonly attempt: number;
  readonly depth: number;
}

/** Loads the vectors of all visible rows into memory. If there are too many, takes the nearest from the approximate index. */
async function findRows(context: ReadContext, request: RecallRequest, search: RowSearch): Promise<FoundRows> {
  const { vector, visible, attempt } = search;
  const { changeCount } = context.state.columns;
  const index = context.vectors();
  if (vector === undefined || index === undefined) return { type: 'loaded', changeCount, vectors: undefined };
  const loaded = await index.load(vector, visible.vectors.rows(), attempt);
  if (loaded !== undefined) return { type: 'loaded', changeCount, vectors: { index, loaded } };
  return { type: 'proposed', changeCount, ...(await proposeRows(context, index, request, { ...search, vector })) };
}

/** Removes the cosines of changed rows. Their vectors are read again. */
function withoutChanged(vectors: ComparedVectors | undefined, changed: ReadonlySet<number>) {
  for (const row of changed) vectors?.loaded.beyond.delete(row);
  return vectors;
}

/** Removes what was computed from the previous vectors and texts of changed rows. It is computed again from the present ones. */
function withoutOutdated(found: Proposed, changed: ReadonlySet<number>): Proposed {
  if (changed.size === 0) return found;
  const nearest = found.nearest.map((each) =>
    changed.has(each.row) ? { row: each.row, estimate: each.estimate } : each,
  );
  return { ...found, nearest, keywordMatches: undefined };
}

/** Finds the nearest vectors. In 'hybrid' mode, also finds keyword matches that may be among the best when both scores count. */
async function proposeRows(
  context: ReadContext,
  index: ScanningIndex,
  { mode }: RecallRequest,
  { vector, terms, times, visible, now, depth: topK }: RowSearch & { readonly vector: Float32Array },
): Promise<Proposed> {
  const candidateLimit = topK * 2 + 16;
  // Fusion needs estimates of the cosine, which exist for at most `exactUpTo` rows.
  const limit = Math.max(1, Math.min(maxFusedMatches, context.exactUpTo));
  const matches = mode === 'hybrid' ? findKeywordMatches(context, { terms, visible }, limit) : undefined;
  const nearest = await index.search(vector, visible.vectors, candidateLimit);
  // Without this, a memory of the time asked for would need to be near in meaning, too.
  const timed = times === undefined ? [] : await index.search(vector, times.among(visible.vectors), candidateLimit);
  if (matches === undefined) return { candidateLimit, nearest, fused: timed, keywordMatches: undefined };
  const fused = await fusionCandidates(context, index, { vector, now, visible, matches, nearest, topK, times });
  return { candidateLimit, nearest, fused: [...fused, ...timed], keywordMatches: matches };
}

/** Summarizes a search. Only the host learns what depends on other memories than the visible ones, such as whether all vectors fit into RAM. */
function summaryOf(
  { exactUpTo }: ReadContext,
  { actor }: Caller,
  {
    vector,
    terms,
    times,
    visible,
    found,
    verified,
  }: Pick<RowSearch, 'vector' | 'terms' | 'times' | 'visible'> & {
    readonly found: FoundRows;
    readonly verified: number;
  },
): SearchSummary {
  const vectors = vector === undefined ? 0 : visible.vectors.count;
  const method = vector === undefined ? 'words' : vectors <= exactUpTo ? 'exact' : 'approximate';
  const words = new Set(terms).size;
  const summary: SearchSummary = { words, method, visible: visible.texts, vectors };
  if (times !== undefined) summary.times = times.asSpans();
  if (!isRoot(actor)) return summary;
  const tier = found.type === 'proposed' ? 'index' : found.vectors?.loaded.compare;
  return { ...summary, host: tier === undefined ? { verified } : { tier, verified } };
}

function spaceMismatch({ embedder }: ReadContext): MemoryError {
  const message = `The store moved to another embedding space while this search ran. Pass a vector made with ${embedder.space.model}.`;
  return new MemoryError('EMBEDDER_MISMATCH', message);
}
