import type { Metadata } from '../domain/json';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import { FilterFacts } from '../state/queries/filter-facts';
import type { SlicedRow } from '../state/queries/selection-queries';
import { parseStoredJson } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';
import { compileSelection } from './visible-set';

// About 10 milliseconds of work in one turn of the event loop. A condition takes some tenths of a microsecond on a record; parsing and
// searching metadata takes some nanoseconds a character.
const unitsPerTurn = 1_000_000;
const unitsPerRow = 500;
const unitsPerCondition = 100;

/**
 * Evaluates a filter for the memories that the caller may read, a few of them in one turn of the event loop. The query that follows
 * uses the results for the memories that have not changed meanwhile, and applies access and scope to all of them as always.
 *
 * Undefined if the filter is so cheap that the query can evaluate it in one turn.
 */
export async function gatherFacts(
  context: ReadContext,
  caller: Caller,
  { filter, ...selection }: ParsedSelection,
  signal?: AbortSignal,
): Promise<FilterFacts | undefined> {
  if (filter === undefined) return undefined;
  const lastRow = context.state.columns.last;
  const facts = new FilterFacts(filter, lastRow);
  const unitsOfRow = unitsPerRow + facts.conditions * unitsPerCondition;
  const hasMetadata = facts.parts.some(({ test }) => test !== undefined);
  if (facts.parts.length === 0 || (!hasMetadata && lastRow * unitsOfRow <= unitsPerTurn)) return undefined;
  const rowsPerSlice = Math.max(1, Math.floor(unitsPerTurn / unitsOfRow));
  for (let after = 0; after < lastRow; after += rowsPerSlice) {
    if (after > 0) await nextTurn();
    signal?.throwIfAborted();
    const lines = context.snapshot(() => {
      const compiled = compileSelection(context, caller, selection);
      return compiled && context.state.selections.slice(compiled, facts.parts, { after, upTo: after + rowsPerSlice });
    });
    if (lines === undefined) return undefined;
    let units = 0;
    for (const line of lines) {
      if (units > unitsPerTurn) {
        await nextTurn();
        signal?.throwIfAborted();
        units = 0;
      }
      units += addFacts(context, facts, line);
    }
  }
  return facts;
}

/** Adds the results of one row, and returns the work that it took. */
function addFacts(
  { state }: ReadContext,
  facts: FilterFacts,
  { row, changeSeq, metadata, results }: SlicedRow,
): number {
  if (facts.parts.every(({ test }) => test === undefined)) {
    facts.keep(row, changeSeq, results as readonly boolean[]);
    return 0;
  }
  const json = metadata ?? state.records.metadataOf(row, changeSeq);
  const parsed = json === undefined ? undefined : parsedMetadata(json);
  // The memory changed in an earlier turn, or its record is damaged.
  if (json === undefined || parsed === undefined) return unitsPerRow;
  const all = facts.parts.map(({ test }, i) => test?.(parsed) ?? (results[i] as boolean));
  facts.keep(row, changeSeq, all);
  return json.length * Math.max(1, facts.conditions / 10);
}

function parsedMetadata(json: string): Metadata | undefined {
  try {
    return parseStoredJson(json) as Metadata;
  } catch {
    return undefined;
  }
}
