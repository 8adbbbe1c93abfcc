import { invalidInput, type MemoryError } from '../domain/errors';
import type { Hit, SearchSummary } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import type { MemoryRow } from '../state/tables/memory-row';
import { ExcerptFinder, maxExcerptLength } from './excerpt';
import type { HitSelection, SelectedHit } from './hit-selection';
import type { ReadContext } from './read-context';
import { recheck, viewOf } from './recheck';
import { answerBytesOf, inLaterTurn, type RecordLoader } from './record-loader';
import type { RankedRow } from './score';
import { type SourceCap, unlimited } from './source-cap';

/** The ids at most in `SearchSummary.passedOver`, which each hit has, and in `Hit.standsFor`. */
const maxListedIds = 20;

/** The part of a request on which the hits depend, once the rows are ranked. */
export interface HitsRequest {
  readonly query: string;
  readonly selection: ParsedSelection;
  readonly topK: number;
  readonly maxBytes: number | undefined;
  readonly vector: Float32Array | undefined;
}

/**
 * Sorts the best rows in the order of the answer. Sorts all rows with the lowest score, because their row numbers must not decide.
 *
 * @param ranked In the order of their scores
 * @returns the rows, of which at least `limit` do not exceed the cap, and whether these are all rows
 */
export function bestOf(
  { state }: ReadContext,
  ranked: readonly RankedRow[],
  limit: number,
  cap: SourceCap | undefined,
): { best: RankedRow[]; isWhole: boolean } {
  const lowest = lowestScore(ranked, limit, cap);
  const best = ranked.filter(({ score }) => score >= lowest);
  // Only rows with equal scores are read here.
  const equal = best.filter(({ score }, i) => score === best[i - 1]?.score || score === best[i + 1]?.score);
  const places = new Map(equal.map(({ row }) => [row, state.records.placeOf(row)]));
  const place = ({ row }: RankedRow) => places.get(row) ?? { id: '', created_at: 0 };
  best.sort((one, other) => {
    const [a, b] = [place(one), place(other)];
    return other.score - one.score || b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
  });
  return { best, isWhole: lowest === Number.NEGATIVE_INFINITY };
}

/** The score of the last of `limit` rows, without those that exceed the cap. Minus infinity if there are fewer. */
function lowestScore(ranked: readonly RankedRow[], limit: number, cap: SourceCap | undefined): number {
  if (cap === undefined) return ranked[limit - 1]?.score ?? Number.NEGATIVE_INFINITY;
  const counts = new Map<number, number>();
  let found = 0;
  for (const { row, score } of ranked) {
    const source = cap.of(row);
    const count = (counts.get(source) ?? 0) + 1;
    counts.set(source, count);
    if (source !== unlimited && count > cap.most) continue;
    if (++found === limit) return score;
  }
  return Number.NEGATIVE_INFINITY;
}

/** What decides which of the best rows become hits. */
export interface SelectionRequest {
  readonly selection: HitSelection;
  /** Rows that exceed the cap, as the ranking has found out. They are explained only. */
  readonly passedOver: ReadonlySet<number>;
}

interface Loading extends SelectionRequest {
  readonly request: HitsRequest;
  /** Undefined if nothing is explained. */
  readonly summary: SearchSummary | undefined;
}

interface LoadedHits {
  readonly hits: Hit[];
  /** The records of the hits. */
  readonly records: MemoryRow[];
  /** Whether `maxBytes` ended the answer. */
  readonly isCut: boolean;
}

/** Loads the best rows, applies the second access check to each, and chooses the hits among them. */
export function loadHits(
  context: ReadContext,
  caller: Caller,
  loader: RecordLoader,
  best: readonly RankedRow[],
  { request, selection, passedOver, summary }: Loading,
): LoadedHits | typeof inLaterTurn {
  const mostBytes = Math.min(request.maxBytes ?? Number.POSITIVE_INFINITY, context.limits.answerBytes);
  for (const ranked of best) {
    if (selection.isDone || (selection.bytes > mostBytes && selection.count > 1)) break;
    if (summary === undefined && passedOver.has(ranked.row)) {
      selection.passOver();
      continue;
    }
    const record = loader.get(ranked.row);
    if (record === inLaterTurn) return inLaterTurn;
    const memory = record && recheck(context, caller, record, viewOf(request.selection));
    if (record === undefined || memory === undefined) continue;
    if (passedOver.has(ranked.row)) selection.passOver(memory.id);
    else selection.offer({ ranked, record, memory });
  }
  const fitting = fittingHits(context, request, selection.hits);
  return { ...fitting, hits: hitsOf(context, request, fitting.selected, { selection, summary }) };
}

/** The first hits, as many as fit into the answer, and at least one. */
function fittingHits({ limits }: ReadContext, { maxBytes }: HitsRequest, hits: readonly SelectedHit[]) {
  const selected: SelectedHit[] = [];
  let bytes = 0;
  let isCut = false;
  for (const hit of hits) {
    bytes += answerBytesOf(hit.record);
    isCut = selected.length > 0 && maxBytes !== undefined && bytes > maxBytes;
    if (isCut) break;
    if (selected.length > 0 && bytes > limits.answerBytes) throw tooManyBytes(selected.length);
    selected.push(hit);
  }
  return { selected, records: selected.map(({ record }) => record), isCut };
}

function hitsOf(
  context: ReadContext,
  { query, vector }: HitsRequest,
  selected: readonly SelectedHit[],
  { selection, summary }: Pick<Loading, 'selection' | 'summary'>,
): Hit[] {
  const { passedOver } = selection;
  const search = summary && {
    ...summary,
    ...(passedOver.length === 0 ? {} : { passedOver: passedOver.slice(0, maxListedIds) }),
  };
  let excerpts: ExcerptFinder | undefined;
  return selected.map(({ ranked, memory, others }): Hit => {
    const hit: Hit = { ...memory, score: ranked.score };
    if (search !== undefined) hit.parts = ranked.parts;
    if (others.length > 0) {
      hit.standsFor = { others: others.length };
      if (search !== undefined) hit.standsFor.ids = others.slice(0, maxListedIds);
    }
    if (memory.text.length > maxExcerptLength) {
      excerpts ??= new ExcerptFinder(context, query, vector);
      hit.excerpt = excerpts.find(ranked.row, memory.text);
    }
    if (search !== undefined) hit.search = search;
    return hit;
  });
}

function tooManyBytes(fitting: number): MemoryError {
  const message = `expected a number of hits that fit into one answer (limits.answerBytes), got more. The best ${fitting} fit; \`maxBytes\` returns as many as fit.`;
  return invalidInput([{ path: ['topK'], message }]);
}
