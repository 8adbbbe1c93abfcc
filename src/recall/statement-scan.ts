import type { Progress } from '../domain/calls';
import type { Json } from '../domain/json';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import { nextTurn, startStopwatch } from '../environment/timers';
import { gatherFacts } from './gather-facts';
import type { ReadContext } from './read-context';
import { type StatedMemory, StatementFinder } from './statement-finder';
import { compileSelection } from './visible-set';

/** What a call that compares memories with each other asks for. */
export interface ScanRequest {
  readonly selection: ParsedSelection;
  /** The page ends with the memory at which it has so many results. */
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** How each memory is compared with others. */
export interface Comparison<T> {
  readonly call: 'duplicates' | 'conflicts';
  readonly order: 'newest' | 'oldest';
  /** The results for one memory. */
  compare(finder: StatementFinder, memory: StatedMemory): readonly T[];
}

// A memory is compared with up to some hundreds of others, which takes about a millisecond.
const memoriesPerTurn = 16;
/** So many memories are compared for one page. */
const maxMemoriesPerPage = 1_000;

/**
 * Compares the selected memories with each other, one after the other, a few in one turn of the event loop. A page ends when it has enough
 * results or has compared enough memories, so its cost is bounded.
 */
export async function scanStatements<T>(
  context: ReadContext,
  caller: Caller,
  { selection, limit, cursor, signal, onProgress }: ScanRequest,
  { call, order, compare }: Comparison<T>,
): Promise<{ readonly found: T[]; readonly nextCursor?: string }> {
  const binding = bindingOf(call, caller, selection);
  let after = cursor === undefined ? undefined : (context.cursors.open(cursor, binding) as { at: number; id: string });
  const facts = await gatherFacts(context, caller, selection, signal);
  const elapsedMs = startStopwatch();
  const found: T[] = [];
  let done = 0;
  for (;;) {
    signal?.throwIfAborted();
    const turn = context.snapshot(() => {
      const compiled = compileSelection(context, caller, selection, facts);
      if (compiled === undefined) return { rows: [], results: [], total: 0 };
      const finder = new StatementFinder(context, caller, context.visible.get(compiled));
      const rows = context.state.selections.page(compiled, {
        orderBy: 'createdAt',
        order,
        limit: memoriesPerTurn,
        after,
      });
      const results: T[] = [];
      let compared = 0;
      for (const { row } of rows) {
        const memory = finder.of(row);
        if (memory !== undefined) results.push(...compare(finder, memory));
        compared++;
        if (found.length + results.length >= limit) break;
      }
      return { rows: rows.slice(0, compared), results, total: context.visible.get(compiled).texts };
    });
    found.push(...turn.results);
    done += turn.rows.length;
    const last = turn.rows.at(-1);
    if (last !== undefined) after = { at: last.at, id: last.id };
    onProgress?.({ phase: call, done, failed: 0, total: turn.total, perSecond: (done / elapsedMs()) * 1000 });
    const isFull = found.length >= limit || done >= maxMemoriesPerPage;
    if (after === undefined || (!isFull && turn.rows.length < memoriesPerTurn)) return { found };
    if (isFull) return { found, nextCursor: context.cursors.sign(after, binding) };
    await nextTurn();
  }
}

/** A cursor is valid only for the same call, actor, scope and selection. */
function bindingOf(call: string, { actor, scope: callerScope }: Caller, { scope, filter }: ParsedSelection): Json {
  return JSON.parse(JSON.stringify([call, actor, callerScope, scope, filter ?? null]));
}
