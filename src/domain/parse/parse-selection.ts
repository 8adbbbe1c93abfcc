import { z } from 'zod';
import { defined } from '../defined';
import type { FilterNode } from '../filter';
import type { Limits } from '../limits';
import type { ParsedScope } from '../scope';
import type { IncludedState } from '../selection';
import { FilterParser, type FilterParserOptions } from './parse-filter';
import { addIssue, list, name, names, namespace, oneOf, present, signal, time } from './shapes';

/** More than there are, so that a repeated one is no reason to refuse. */
const maxIncluded = 16;

/** A selection after parsing. */
export interface ParsedSelection {
  readonly scope: ParsedScope;
  readonly filter?: FilterNode;
  /** Epoch milliseconds. */
  readonly asOf?: number;
  readonly include: ReadonlySet<IncludedState>;
}

/** The fields of a scope. */
export function scopeShape(limits: Limits) {
  return {
    namespace: present(namespace(limits)),
    userId: present(name(limits)),
    agentId: present(name(limits)),
    sessionId: present(name(limits)),
    tags: present(names(limits)),
  };
}

/** The fields of a selection. Spread them into the shape of the options of a call. */
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
    include: list(oneOf(['expired', 'superseded', 'quarantined']), 'an array', [maxIncluded, 'states']).optional(),
    signal: signal.optional(),
  };
}

/** A selection of memories to forget. Each part of it must have a condition: an empty one is the trace of a lost value. */
export function forgetSelectionShape(limits: Limits) {
  const atLeastOneTag = names(limits).refine((tags) => tags.length > 0, {
    error: 'expected at least one tag, got an empty array.',
  });
  return { ...selectionShape(limits, { rejectEmpty: true }), tags: present(atLeastOneTag) };
}

interface SelectionFields extends ParsedScope {
  readonly filter?: FilterNode;
  readonly asOf?: number;
  readonly include?: readonly IncludedState[] | undefined;
}

/** Whether a selection has no condition, so that it selects every memory. `forgetWhere` rejects it as a probable mistake. */
export function isEmpty({ scope: { namespace = [], ...others }, filter, asOf }: ParsedSelection): boolean {
  return namespace.length === 0 && Object.keys(others).length === 0 && asOf === undefined && filter === undefined;
}

/** The selection among the parsed options of a call. */
export function selectionOf(options: SelectionFields): ParsedSelection {
  const { filter, asOf, include = [] } = options;
  return defined({ scope: parsedScopeOf(options), filter, asOf, include: new Set(include) });
}

/** The scope among the parsed options of a call. */
export function parsedScopeOf(options: ParsedScope): ParsedScope {
  return defined({
    namespace: options.namespace,
    userId: options.userId,
    agentId: options.agentId,
    sessionId: options.sessionId,
    tags: options.tags,
  });
}
