import { z } from 'zod';
import { defined } from '../defined';
import type { FilterNode } from '../filter';
import type { Limits } from '../limits';
import type { ParsedScope } from '../scope';
import { type IncludedState, includedStates } from '../selection';
import { minTrusts } from '../trust';
import { FilterParser, type FilterParserOptions } from './parse-filter';
import { addIssue, fields, list, name, names, namespace, oneOf, present, signal, time } from './shapes';

/** The maximum length of the array. It is higher than the number of states, so that repeats are accepted. */
const maxIncluded = 16;

/** A span of time in epoch milliseconds: `from <= time < to`. */
export interface ParsedSpan {
  readonly from?: number;
  readonly to?: number;
}

/** A selection after parsing. */
export interface ParsedSelection {
  readonly scope: ParsedScope;
  readonly filter?: FilterNode;
  /** Epoch milliseconds. */
  readonly asOf?: number;
  readonly during?: ParsedSpan;
  readonly include: ReadonlySet<IncludedState>;
}

const during = fields({ from: present(time), to: present(time) }).check((ctx) => {
  const { from, to } = ctx.value;
  if (from === undefined && to === undefined) addIssue(ctx, 'expected `from`, `to` or both, got neither.', ctx.value);
  if (from === undefined || to === undefined || from < to) return;
  const given = `got ${new Date(to).toISOString()}, and ${new Date(from).toISOString()} as \`from\``;
  addIssue(ctx, `expected a time later than \`from\`, ${given}.`, to, ['to']);
});

/** Makes the schemas for the fields of a scope. */
export function scopeShape(limits: Limits) {
  return {
    namespace: present(namespace(limits)),
    userId: present(name(limits)),
    agentId: present(name(limits)),
    sessionId: present(name(limits)),
    tags: present(names(limits)),
    minTrust: present(oneOf(minTrusts)),
  };
}

/** Makes the schemas for the fields of a selection. Spread them into the schema for the options of a call. */
export function selectionShape(limits: Limits, options: FilterParserOptions = {}) {
  const filter = z.unknown().transform((value, ctx): FilterNode => {
    const parser = new FilterParser(limits, options);
    const node = parser.parse(value);
    for (const { path, message } of parser.issues) addIssue(ctx, message, value, path);
    return node;
  });
  return {
    ...scopeShape(limits),
    filter: present(filter),
    asOf: present(time),
    during: present(during),
    include: list(oneOf(includedStates), 'an array', [maxIncluded, 'states']).optional(),
    signal: signal.optional(),
  };
}

/**
 * Makes the schemas for a selection of memories to forget. Each part must have a condition, because an empty part probably comes from a
 * variable that is undefined by mistake.
 */
export function forgetSelectionShape(limits: Limits) {
  return { ...selectionShape(limits, { rejectEmpty: true }), tags: present(atLeastOneTag(limits)) };
}

/** Makes the schemas for the memories that a legal hold concerns. An empty list of tags is refused, as in a selection to forget. */
export function holdSelectionShape(limits: Limits) {
  return { ...scopeShape(limits), tags: present(atLeastOneTag(limits)) };
}

function atLeastOneTag(limits: Limits) {
  return names(limits).refine((tags) => tags.length > 0, {
    error: 'expected at least one tag, got an empty array.',
  });
}

interface SelectionFields extends ParsedScope {
  readonly filter?: FilterNode;
  readonly asOf?: number;
  readonly during?: ParsedSpan;
  readonly include?: readonly IncludedState[] | undefined;
}

/** Checks whether a selection has no condition and therefore matches every memory. `forgetWhere` rejects it as a probable mistake. */
export function isEmpty({ scope, filter, asOf, during }: ParsedSelection): boolean {
  const { namespace = [], minTrust: _, ...others } = scope;
  const isWide = namespace.length === 0 && Object.keys(others).length === 0;
  return isWide && asOf === undefined && during === undefined && filter === undefined;
}

/** Extracts the selection from the parsed options of a call. */
export function selectionOf(options: SelectionFields): ParsedSelection {
  const { filter, asOf, during, include = [] } = options;
  return defined({ scope: parsedScopeOf(options), filter, asOf, during, include: new Set(include) });
}

/** Extracts the scope from the parsed options of a call. */
export function parsedScopeOf(options: ParsedScope): ParsedScope {
  return defined({
    namespace: options.namespace,
    userId: options.userId,
    agentId: options.agentId,
    sessionId: options.sessionId,
    tags: options.tags,
    minTrust: options.minTrust,
  });
}
