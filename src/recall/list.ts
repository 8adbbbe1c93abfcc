import type { Json } from '../domain/json';
import type { Memory } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import type { CompiledSelection } from '../state/queries/selection-sql';
import { findRecord } from './get';
import type { ReadContext } from './read-context';
import { recheck, toMemory } from './recheck';
import { compileSelection, isInColumns } from './visible-set';

export interface ListRequest {
  readonly selection: ParsedSelection;
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly orderBy: 'createdAt' | 'validFrom';
  readonly order: 'newest' | 'oldest';
}

export interface ListPage {
  readonly items: Memory[];
  readonly nextCursor?: string;
}

/** Reads one page of the memories that match a selection. */
export function list(context: ReadContext, caller: Caller, request: ListRequest): ListPage {
  const { selection, limit, orderBy, order, cursor } = request;
  const binding = listBinding(caller, request);
  const after =
    cursor === undefined ? undefined : (context.cursors.open(cursor, binding) as { at: number; id: string });
  return context.snapshot(() => {
    const compiled = compileSelection(context, caller, selection);
    if (compiled === undefined) return { items: [] };
    // Reads one more record than the page can have, to find out whether there is another page.
    const records = context.state.selections.page(compiled, { orderBy, order, limit: limit + 1, after });
    const onPage = records.slice(0, limit);
    const items = onPage.flatMap((record) => recheck(context, caller, record) ?? []);
    const last = records.length > limit ? onPage.at(-1) : undefined;
    if (last === undefined) return { items };
    const at = orderBy === 'createdAt' ? last.created_at : last.valid_from;
    return { items, nextCursor: context.cursors.sign({ at, id: last.id }, binding) };
  });
}

/**
 * Reads a listed memory again. Returns undefined if the memory is gone, may not be read by the caller any more, or has another state than
 * when it was listed.
 */
export function relist(context: ReadContext, caller: Caller, listed: Pick<Memory, 'id' | 'state'>): Memory | undefined {
  return context.snapshot(() => {
    const record = findRecord(context, caller, listed.id);
    return record === undefined || record.state !== listed.state ? undefined : toMemory(context, caller, record);
  });
}

/** Describes the actor, scope and query of a list. A cursor is valid only for the same three. */
function listBinding(caller: Caller, { selection, orderBy, order }: ListRequest): Json {
  const { scope, filter, asOf, include } = selection;
  const { actor, scope: callerScope } = caller;
  const states = [...include].sort();
  // Bindings are compared as text. The conversion to JSON and back removes undefined fields.
  return JSON.parse(
    JSON.stringify(['list', actor, callerScope, scope, filter ?? null, asOf ?? null, states, orderBy, order]),
  );
}

/** Counts the memories that match a selection. */
export function count(context: ReadContext, caller: Caller, selection: ParsedSelection): number {
  return (
    withCompiled(context, caller, selection, (compiled) =>
      isInColumns(compiled.criteria) ? context.visible.get(compiled).texts : context.state.selections.count(compiled),
    ) ?? 0
  );
}

/** Counts the memories in each namespace. The counts of namespaces deeper than `maxDepth` are added to their ancestor at that depth. */
export function namespaces(context: ReadContext, caller: Caller, selection: ParsedSelection, maxDepth?: number) {
  const byLabelSet = withCompiled(context, caller, selection, (compiled) =>
    isInColumns(compiled.criteria)
      ? context.visible.get(compiled).countByLabelSet()
      : context.state.selections.countByLabelSet(compiled),
  );
  const totals = new Map<string, { namespace: string[]; count: number }>();
  for (const { label_set, count: memories } of byLabelSet ?? []) {
    const namespace = context.state.interning.labelSet(label_set).namespace.slice(0, maxDepth);
    const key = JSON.stringify(namespace);
    const total = totals.get(key) ?? { namespace, count: 0 };
    total.count += memories;
    totals.set(key, total);
  }
  return [...totals.values()].sort((a, b) => compareNamespaces(a.namespace, b.namespace));
}

function compareNamespaces(a: readonly string[], b: readonly string[]): number {
  for (const [depth, label] of a.entries()) {
    const other = b[depth];
    if (other === undefined) return 1;
    if (label !== other) return label < other ? -1 : 1;
  }
  return a.length - b.length;
}

function withCompiled<T>(
  context: ReadContext,
  caller: Caller,
  selection: ParsedSelection,
  run: (compiled: CompiledSelection) => T,
): T | undefined {
  return context.snapshot(() => {
    const compiled = compileSelection(context, caller, selection);
    return compiled && run(compiled);
  });
}
