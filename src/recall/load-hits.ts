import { invalidInput, type MemoryError } from '../domain/errors';
import type { Hit, SearchSummary } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import type { MemoryRow } from '../state/tables/memory-row';
import { ExcerptFinder, maxExcerptLength } from './excerpt';
import type { ReadContext } from './read-context';
import { recheck, viewOf } from './recheck';
import { answerBytesOf, inLaterTurn, type RecordLoader } from './record-loader';
import type { RankedRow } from './score';
import { type SourceCap, type SourcePicker, unlimited } from './source-cap';

/** The ids in `SearchSummary.passedOver` at most. Each hit has them. */
const maxPassedOver = 20;

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

interface Loading {
  readonly request: HitsRequest;
  readonly picker: SourcePicker;
  /** Undefined if nothing is explained. */
  readonly summary: SearchSummary | undefined;
}

interface LoadedHits {
  readonly hits: Hit[];
  /** The records of the hits. */
  readonly records: MemoryRow[];
  readonly picker: SourcePicker;
  /** Whether `maxBytes` ended the answer. */
  readonly isCut: boolean;
}

/** Loads the best rows, applies the second access check to each, and passes over those that exceed the cap. */
export function loadHits(
  context: ReadContext,
  caller: Caller,
  loader: RecordLoader,
  best: readonly RankedRow[],
  { request, picker, summary }: Loading,
): LoadedHits | typeof inLaterTurn {
  const { topK, maxBytes, query, vector, selection } = request;
  const hits: Hit[] = [];
  const records: MemoryRow[] = [];
  const passedOver: string[] = [];
  let excerpts: ExcerptFinder | undefined;
  let bytes = 0;
  let isCut = false;
  for (const { row, score, parts } of best) {
    if (hits.length === topK) break;
    const record = loader.get(row);
    if (record === inLaterTurn) return inLaterTurn;
    const memory = record && recheck(context, caller, record, viewOf(selection));
    if (record === undefined || memory === undefined) continue;
    if (!picker.takes(record)) {
      passedOver.push(memory.id);
      continue;
    }
    bytes += answerBytesOf(record);
    isCut = hits.length > 0 && maxBytes !== undefined && bytes > maxBytes;
    if (isCut) break;
    if (hits.length > 0 && bytes > context.limits.answerBytes) throw tooManyBytes(hits.length);
    const hit: Hit = { ...memory, score, ...(summary === undefined ? {} : { parts }) };
    if (memory.text.length > maxExcerptLength) {
      excerpts ??= new ExcerptFinder(context, query, vector);
      hit.excerpt = excerpts.find(row, memory.text);
    }
    hits.push(hit);
    records.push(record);
  }
  if (summary !== undefined) {
    const left = passedOver.length === 0 ? {} : { passedOver: passedOver.slice(0, maxPassedOver) };
    for (const hit of hits) hit.search = { ...summary, ...left };
  }
  return { hits, records, picker, isCut };
}

function tooManyBytes(fitting: number): MemoryError {
  const message = `expected a number of hits that fit into one answer (limits.answerBytes), got more. The best ${fitting} fit; \`maxBytes\` returns as many as fit.`;
  return invalidInput([{ path: ['topK'], message }]);
}
