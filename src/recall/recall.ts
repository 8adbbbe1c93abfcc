import type { Hit } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { analyzeQuery } from '../keyword-index/analyzer';
import type { Candidate } from '../vector-index/vector-index';
import { hydrate } from './hydrate';
import { rank } from './rank';
import type { ReadContext, Reader } from './read-context';
import type { Mode } from './score';
import { selecting } from './selecting';
import { visibleTo } from './visible';

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
  const { mode, signal } = request;
  const vector =
    mode === 'keyword'
      ? undefined
      : (request.vector ?? (await context.embedder.query(request.query, signal ? { signal } : {})));
  const terms = mode === 'semantic' ? [] : analyzeQuery(request.query);
  for (;;) {
    signal?.throwIfAborted();
    const hits = await search(context, reader, request, { vector, terms });
    if (hits !== 'rules changed') return hits;
  }
}

interface Question {
  readonly vector: Float32Array | undefined;
  readonly terms: readonly string[];
}

async function search(context: ReadContext, reader: Reader, request: RecallRequest, { vector, terms }: Question) {
  const { truth } = context;
  const version = truth.policy.version;
  const seen = truth.lastEntry;
  const question = selecting(context, reader, request.selection);
  if (question === undefined) return [];
  let visible = visibleTo(truth, question);
  // Ranking by recency and priority may lift what is a little less relevant: more is looked at than is asked for.
  const wanted = request.topK * 2 + 16;
  const nearest: Candidate[] = (vector && (await context.vectors()?.search(vector, visible.vectors, wanted))) ?? [];
  context.refresh();
  if (truth.policy.version !== version) return 'rules changed';
  // From here on nothing is awaited: words, vectors and records are those of one moment.
  if (truth.lastEntry !== seen) visible = visibleTo(truth, question);
  return truth.snapshot(() => {
    const ranked = rank(context, { ...request, now: question.now, vector, terms, visible, nearest, wanted });
    return hydrate(context, reader, ranked, { topK: request.topK, explain: request.explain });
  });
}
