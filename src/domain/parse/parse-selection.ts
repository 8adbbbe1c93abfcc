import { z } from 'zod';
import type { FilterNode } from '../filter';
import type { Limits } from '../limits';
import type { ParsedScope } from '../scope';
import { FilterParser } from './parse-filter';
import { name, names, namespace, present, signal, time } from './shapes';

/** A selection in its parsed form. */
export interface ParsedSelection {
  readonly scope: ParsedScope;
  readonly filter?: FilterNode;
  /** Epoch milliseconds. */
  readonly asOf?: number;
  readonly include: ReadonlySet<'expired' | 'superseded' | 'quarantined'>;
}

/** The words of a scope. One that is present but undefined is an issue: it must never mean everything. */
export function scopeShape(limits: Limits) {
  return {
    namespace: present(namespace(limits)),
    userId: present(name(limits)),
    agentId: present(name(limits)),
    sessionId: present(name(limits)),
    tags: present(names(limits)),
  };
}

/** The fields of a selection, to be spread into the shape of a call's options. */
export function selectionShape(limits: Limits) {
  const filter = z.unknown().transform((value, ctx): FilterNode => {
    const parser = new FilterParser(limits);
    const node = parser.parse(value, []);
    for (const { path, message } of parser.issues)
      ctx.issues.push({ code: 'custom', message, path: [...path], input: value });
    return node;
  });
  const included = z.enum(['expired', 'superseded', 'quarantined'], {
    error: "must be 'expired', 'superseded' or 'quarantined'.",
  });
  return {
    ...scopeShape(limits),
    filter: present(filter),
    asOf: present(time),
    include: z.array(included, { error: 'must be a list.' }).optional(),
    signal: signal.optional(),
  };
}

interface SelectionFields extends ParsedScope {
  readonly filter?: FilterNode;
  readonly asOf?: number;
  readonly include?: readonly ('expired' | 'superseded' | 'quarantined')[] | undefined;
}

/** Whether a selection says nothing at all: everything would be in it, by accident perhaps. */
export function isEmpty({ scope: { tags, ...words }, filter, asOf }: ParsedSelection): boolean {
  const says = Object.keys(words).length > 0 || (tags !== undefined && tags.length > 0) || asOf !== undefined;
  return !says && (filter === undefined || countConditions(filter) === 0);
}

function countConditions(node: FilterNode): number {
  switch (node.op) {
    case 'compare':
      return 1;
    case 'not':
      return countConditions(node.node);
    default:
      return node.nodes.reduce((count, each) => count + countConditions(each), 0);
  }
}

/** Gathers the fields of `selectionShape` into one selection. */
export function selectionOf(given: SelectionFields): ParsedSelection {
  const { filter, asOf } = given;
  return {
    scope: parsedScopeOf(given),
    ...(filter === undefined ? {} : { filter }),
    ...(asOf === undefined ? {} : { asOf }),
    include: new Set(given.include ?? []),
  };
}

/** The words of a scope alone. */
export function parsedScopeOf({ namespace, userId, agentId, sessionId, tags }: ParsedScope): ParsedScope {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(userId === undefined ? {} : { userId }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(tags === undefined ? {} : { tags }),
  };
}
