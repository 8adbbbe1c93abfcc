import type { Json } from '../domain/json';
import type { Memory } from '../domain/memory';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { isPlain } from '../state/queries/selection-sql';
import { compileSelection } from './compile-selection';
import { find } from './get';
import type { ReadContext, Reader } from './read-context';
import { rechecked, shownTo } from './recheck';
import type { CompiledSelection } from './visible';

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

/** One page of an exact question. */
export function list(context: ReadContext, reader: Reader, options: ListRequest): ListPage {
  const { selection, limit, orderBy, order } = options;
  const binding = queryOf(reader, options);
  const after =
    options.cursor === undefined
      ? undefined
      : (context.cursors.open(options.cursor, binding) as { at: number; id: string });
  return context.snapshot(() => {
    const question = compileSelection(context, reader, selection);
    if (question === undefined) return { items: [] };
    // One more than asked for tells whether there is another page.
    const page = { orderBy, order, limit: limit + 1, ...(after === undefined ? {} : { after }) };
    const records = context.state.selections.page(question.readable, question.selected, question.now, page);
    const shown = records.slice(0, limit);
    const items = shown.flatMap((record) => rechecked(context, reader, record) ?? []);
    const last = records.length > limit ? shown.at(-1) : undefined;
    if (last === undefined) return { items };
    const at = orderBy === 'createdAt' ? last.created_at : last.valid_from;
    return { items, nextCursor: context.cursors.seal({ at, id: last.id }, binding) };
  });
}

/** A listed memory as it is now; undefined where it is gone, may not be read any more, or would be left out for its state. */
export function stillListed(
  context: ReadContext,
  reader: Reader,
  listed: Pick<Memory, 'id' | 'state'>,
): Memory | undefined {
  return context.snapshot(() => {
    const record = find(context, reader, listed.id);
    return record === undefined || record.state !== listed.state ? undefined : shownTo(context, reader, record);
  });
}

function queryOf(reader: Reader, { selection, orderBy, order }: ListRequest): Json {
  const { scope, filter, asOf, include } = selection;
  // Through JSON, which drops what is undefined: a binding is compared as text.
  return JSON.parse(
    JSON.stringify([
      'list',
      reader.actor,
      reader.scope,
      scope,
      filter ?? null,
      asOf ?? null,
      [...include].sort(),
      orderBy,
      order,
    ]),
  );
}

/** How many memories a selection holds. */
export function count(context: ReadContext, reader: Reader, selection: ParsedSelection): number {
  return (
    counted(context, reader, selection, (question) =>
      isPlain(question.selected)
        ? context.visible.get(question).texts
        : context.state.selections.count(question.readable, question.selected, question.now),
    ) ?? 0
  );
}

/** How many memories there are in each namespace. Those below `maxDepth` labels are counted with what they lie in. */
export function namespaces(context: ReadContext, reader: Reader, within: ParsedSelection, maxDepth?: number) {
  const byLabelSet = counted(context, reader, within, (question) =>
    isPlain(question.selected)
      ? context.visible.get(question).countByLabelSet()
      : context.state.selections.countByLabelSet(question.readable, question.selected, question.now),
  );
  const totals = new Map<string, { namespace: string[]; count: number }>();
  for (const { label_set, count: held } of byLabelSet ?? []) {
    const namespace = context.state.interning.labelSet(label_set).namespace.slice(0, maxDepth);
    const key = JSON.stringify(namespace);
    const total = totals.get(key) ?? { namespace, count: 0 };
    total.count += held;
    totals.set(key, total);
  }
  return [...totals.values()].sort((a, b) => compareLabels(a.namespace, b.namespace));
}

function compareLabels(a: readonly string[], b: readonly string[]): number {
  for (const [depth, label] of a.entries()) {
    const other = b[depth];
    if (other === undefined) return 1;
    if (label !== other) return label < other ? -1 : 1;
  }
  return a.length - b.length;
}

function counted<T>(
  context: ReadContext,
  reader: Reader,
  selection: ParsedSelection,
  run: (question: CompiledSelection) => T,
): T | undefined {
  return context.snapshot(() => {
    const question = compileSelection(context, reader, selection);
    return question && run(question);
  });
}
