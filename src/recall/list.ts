import { invalidInput, type MemoryError } from '../domain/errors';
import type { Json } from '../domain/json';
import type { Memory } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import type { FilterFacts } from '../state/queries/filter-facts';
import type { CompiledSelection } from '../state/queries/selection-sql';
import { gatherFacts } from './gather-facts';
import { findRecord } from './get';
import type { ReadContext } from './read-context';
import { recheck, toMemory, viewOf } from './recheck';
import { answerBytesOf, inLaterTurn, RecordLoader } from './record-loader';
import { compileSelection, countByLabelSet, isInColumns } from './visible-set';

export interface ListRequest {
  readonly selection: ParsedSelection;
  readonly limit: number;
  readonly maxBytes: number;
  readonly cursor?: string | undefined;
  readonly orderBy: 'createdAt' | 'validFrom';
  readonly order: 'newest' | 'oldest';
  readonly signal?: AbortSignal | undefined;
}

export interface ListPage {
  readonly items: Memory[];
  readonly nextCursor?: string;
}

/** Reads one page of the memories that match a selection. A page ends early if its memories reach `maxBytes`. */
export async function list(context: ReadContext, caller: Caller, request: ListRequest): Promise<ListPage> {
  const loader = new RecordLoader(context);
  const facts = await gatherFacts(context, caller, request.selection, request.signal);
  for (;;) {
    request.signal?.throwIfAborted();
    loader.beginTurn();
    const page = context.snapshot(() => readPage(context, caller, { ...request, facts }, loader));
    if (page !== inLaterTurn) return page;
    await nextTurn();
  }
}

function readPage(
  context: ReadContext,
  caller: Caller,
  request: ListRequest & { readonly facts: FilterFacts | undefined },
  loader: RecordLoader,
): ListPage | typeof inLaterTurn {
  const { selection, limit, maxBytes, orderBy, order, cursor, facts } = request;
  const binding = listBinding(caller, request);
  const after =
    cursor === undefined ? undefined : (context.cursors.open(cursor, binding) as { at: number; id: string });
  const compiled = compileSelection(context, caller, selection, facts);
  if (compiled === undefined) return { items: [] };
  // Reads one more row than the page can have, to find out whether there is another page.
  const rows = context.state.selections.page(compiled, { orderBy, order, limit: limit + 1, after });
  const items: Memory[] = [];
  let bytes = 0;
  for (const [i, { row }] of rows.entries()) {
    const last = rows[i - 1];
    if (last !== undefined && (i === limit || bytes >= maxBytes))
      return { items, nextCursor: context.cursors.sign({ at: last.at, id: last.id }, binding) };
    const record = loader.get(row);
    if (record === inLaterTurn) return inLaterTurn;
    if (record === undefined) continue;
    bytes += answerBytesOf(record);
    const memory = recheck(context, caller, record, viewOf(selection));
    if (memory !== undefined) items.push(memory);
  }
  return { items };
}

/**
 * Reads a listed memory again. Returns undefined if the memory is gone, may not be read by the caller any more, or has another state than
 * when it was listed.
 */
export function relist(
  context: ReadContext,
  caller: Caller,
  listed: Pick<Memory, 'id' | 'state' | 'trust'>,
): Memory | undefined {
  return context.snapshot(() => {
    // An untrusted memory was listed because the list includes quarantined ones.
    const view = listed.trust === 'untrusted' ? 'quarantined' : 'ordinary';
    const record = findRecord(context, caller, listed.id, view);
    return record === undefined || record.state !== listed.state ? undefined : toMemory(context, caller, record);
  });
}

/** Describes the actor, scope and query of a list. A cursor is valid only for the same three. */
function listBinding(caller: Caller, { selection, orderBy, order }: ListRequest): Json {
  const { scope, filter, asOf, during, include } = selection;
  const { actor, scope: callerScope } = caller;
  const states = [...include].sort();
  // Bindings are compared as text. The conversion to JSON and back removes undefined fields.
  return JSON.parse(
    JSON.stringify([
      ...['list', actor, callerScope, scope, filter ?? null, asOf ?? null, states, orderBy, order],
      ...(during === undefined ? [] : [during]),
    ]),
  );
}

/** Counts the memories that match a selection. */
export async function count(
  context: ReadContext,
  caller: Caller,
  selection: ParsedSelection,
  signal?: AbortSignal,
): Promise<number> {
  const facts = await gatherFacts(context, caller, selection, signal);
  return (
    withCompiled(context, caller, { selection, facts }, (compiled) =>
      isInColumns(compiled.criteria) ? context.visible.get(compiled).texts : context.state.selections.count(compiled),
    ) ?? 0
  );
}

export interface NamespacesRequest {
  readonly maxDepth?: number | undefined;
  /** The maximum number of namespaces. The answer then ends early when it reaches `maxBytes`. Default: all, or an error. */
  readonly limit?: number | undefined;
  /** Only namespaces after this one. */
  readonly after?: Namespace | undefined;
  /** The largest answer. Default: `Limits.answerBytes`. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Counts the memories in each namespace. The counts of namespaces deeper than `maxDepth` are added to their ancestor at that depth. */
export async function namespaces(
  context: ReadContext,
  caller: Caller,
  selection: ParsedSelection,
  { maxDepth, limit, after, maxBytes = context.limits.answerBytes, signal }: NamespacesRequest = {},
): Promise<{ namespace: string[]; count: number }[]> {
  const facts = await gatherFacts(context, caller, selection, signal);
  const byLabelSet = withCompiled(context, caller, { selection, facts }, (compiled) =>
    isInColumns(compiled.criteria)
      ? countByLabelSet(context.visible.get(compiled), context.state.columns)
      : context.state.selections.countByLabelSet(compiled),
  );
  const totals = new Map<string, { namespace: string[]; count: number }>();
  let bytes = 0;
  for (const { label_set, count: memories } of byLabelSet ?? []) {
    const namespace = context.state.interning.labelSet(label_set).namespace.slice(0, maxDepth);
    if (after !== undefined && compareNamespaces(namespace, after) <= 0) continue;
    const key = JSON.stringify(namespace);
    const total = totals.get(key) ?? { namespace, count: 0 };
    total.count += memories;
    if (total.count === memories) bytes += key.length;
    if (bytes > maxBytes && limit === undefined) throw tooManyNamespaces();
    totals.set(key, total);
  }
  const ordered = [...totals.values()].sort((a, b) => compareNamespaces(a.namespace, b.namespace));
  return limit === undefined ? ordered : withinBytes(ordered.slice(0, limit), maxBytes);
}

/** The first namespaces, up to a number of bytes, and at least one. */
function withinBytes<T extends { readonly namespace: Namespace }>(found: T[], maxBytes: number): T[] {
  let bytes = 0;
  const end = found.findIndex(({ namespace }, i) => {
    bytes += JSON.stringify(namespace).length;
    return i > 0 && bytes > maxBytes;
  });
  return end < 0 ? found : found.slice(0, end);
}

function tooManyNamespaces(): MemoryError {
  const message =
    'expected namespaces that fit into one answer (limits.answerBytes), got more. List some with `limit` and `after`, or with `within`, or ancestors with `maxDepth`.';
  return invalidInput([{ path: ['maxDepth'], message }]);
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
  { selection, facts }: { selection: ParsedSelection; facts: FilterFacts | undefined },
  run: (compiled: CompiledSelection) => T,
): T | undefined {
  return context.snapshot(() => {
    const compiled = compileSelection(context, caller, selection, facts);
    return compiled && run(compiled);
  });
}
