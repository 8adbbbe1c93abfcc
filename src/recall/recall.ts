import type { Hit } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { analyzeQuery } from '../keyword-index/analyzer';
import type { Candidate } from '../vector-index/vector-index';
import { hydrate } from './hydrate';
import { rank } from './rank';
import type { ReadContext, Reader } from './read-context';
import type { Mode } from './score';
import { selecting } from './selecting';
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
  const call = signal === undefined ? {} : { signal };
  const vector = mode === 'keyword' ? undefined : (request.vector ?? (await context.embedder.query(query, call)));
  const terms = mode === 'semantic' ? [] : analyzeQuery(query);
  let proposals = request.topK * 2 + 16;
  for (;;) {
    signal?.throwIfAborted();
    const found = await search(context, reader, request, { vector, terms, proposals });
    if (found === 'rules changed') continue;
    if (found !== 'more') return found;
    proposals *= 4;
  }
}

interface Question {
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
  /** How many rows each index proposes. */
  readonly proposals: number;
}

/**
 * One search. Answers 'more' where a row that was not proposed might yet belong to the best, and 'rules changed' where what was
 * searched may no longer be what the reader may read.
 */
async function search(context: ReadContext, reader: Reader, request: RecallRequest, question: Question) {
  const { truth } = context;
  const version = truth.policy.version;
  const seen = truth.lastEntry;
  const selected = selecting(context, reader, request.selection);
  if (selected === undefined) return [];
  let visible = context.visible.get(selected);
  const { vector, proposals } = question;
  const nearest: Candidate[] = (vector && (await context.vectors()?.search(vector, visible.vectors, proposals))) ?? [];
  context.refresh();
  if (truth.policy.version !== version) return 'rules changed';
  // From here on nothing is awaited: words, vectors and records are those of one moment.
  if (truth.lastEntry !== seen) visible = context.visible.get(selected);
  return truth.snapshot(() => {
    const { ranked, beyond } = rank(context, { ...request, ...question, now: selected.now, visible, nearest });
    const last = ranked[request.topK - 1]?.score ?? Number.NEGATIVE_INFINITY;
    if (beyond >= 0 && last <= beyond && mayAskForMore(context, request, visible, proposals)) return 'more';
    return hydrate(context, reader, ranked, { topK: request.topK, explain: request.explain });
  });
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
