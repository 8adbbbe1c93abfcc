import { isDeepStrictEqual } from 'node:util';
import type { Filter, FilterCondition, FilterValue, Issue } from '../../index';
import { refused } from './langgraph-checks';

type Value = Readonly<Record<string, unknown>>;

/** A filter of LangGraph in two parts that must both hold. */
export interface ParsedFilter {
  /** What the store's own search looks for. Nothing that the filter takes is outside of it. */
  readonly conditions: readonly Filter[];
  /** What only the whole value tells: comparisons with null, lists and objects. Undefined where there are none. */
  readonly holds: ((value: Value) => boolean) | undefined;
}

interface Part {
  readonly condition?: FilterCondition;
  readonly holds?: (value: unknown) => boolean;
}

const operators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin'] as const;
type Operator = (typeof operators)[number];

/**
 * Reads a filter with LangGraph's operators.
 *
 * @throws INVALID_INPUT with every unknown operator, and every value that nothing can be compared with
 */
export function parseFilter(filter: Value | null | undefined): ParsedFilter {
  const issues: Issue[] = [];
  const parts = Object.entries(filter ?? {}).flatMap(([key, condition]) =>
    partsOf(condition, ['filter', key], issues).map((part) => ({ key, ...part })),
  );
  if (issues.length > 0) throw refused(issues);
  const conditions = parts.flatMap(({ key, condition }): Filter[] =>
    condition === undefined ? [] : [{ metadata: { [key]: condition } }],
  );
  const checks = parts.flatMap(({ key, holds }) =>
    holds === undefined ? [] : [(value: Value) => holds(Object.hasOwn(value, key) ? value[key] : undefined)],
  );
  const holds = checks.length === 0 ? undefined : (value: Value) => checks.every((check) => check(value));
  return { conditions, holds };
}

function partsOf(condition: unknown, path: readonly string[], issues: Issue[]): Part[] {
  const names = isObject(condition) ? Object.keys(condition) : [];
  if (!isObject(condition) || (names.length > 0 && names.every((name) => !name.startsWith('$')))) {
    return [compared('$eq', condition, path, issues)];
  }
  if (names.length === 0)
    issues.push({ path, message: `must be a value, or name an operator: ${operators.join(', ')}.` });
  return names.map((name) => {
    const at = [...path, name];
    if ((operators as readonly string[]).includes(name)) return compared(name as Operator, condition[name], at, issues);
    issues.push({
      path: at,
      message: `There is no operator ${JSON.stringify(name)}. Known are ${operators.join(', ')}.`,
    });
    return {};
  });
}

function compared(operator: Operator, operand: unknown, path: readonly string[], issues: Issue[]): Part {
  const values = operator === '$in' || operator === '$nin' ? operand : [operand];
  if (!Array.isArray(values)) {
    issues.push({ path, message: 'must be a list of values.' });
    return {};
  }
  const isOrder = /^\$[gl]te?$/.test(operator);
  for (const value of values) {
    const isThere = value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';
    if (isThere && (!isOrder || isPlain(value)) && (typeof value !== 'number' || Number.isFinite(value))) continue;
    const expected = isOrder ? 'a number, a text, a boolean or a Date' : 'a value that JSON can hold';
    issues.push({ path, message: `is ${String(value)}, and must be ${expected}.` });
  }
  if (values.every(isPlain)) return { condition: conditionOf(operator, values) };
  // Null, lists and objects: the search only knows whether there is anything, and takes null for nothing.
  const isOneOf = (value: unknown) => values.some((each) => isDeepStrictEqual(value, each));
  if (operator === '$eq') return { condition: { exists: values[0] !== null }, holds: isOneOf };
  return { holds: operator === '$ne' || operator === '$nin' ? (value) => !isOneOf(value) : isOneOf };
}

function conditionOf(operator: Operator, values: readonly FilterValue[]): FilterCondition {
  const [value = null] = values;
  switch (operator) {
    case '$eq':
      return { eq: value };
    case '$ne':
      return { ne: value };
    case '$in':
      return { in: values };
    case '$nin':
      return { nin: values };
    case '$gt':
      return { gt: value };
    case '$gte':
      return { gte: value };
    case '$lt':
      return { lt: value };
    case '$lte':
      return { lte: value };
  }
}

function isPlain(value: unknown): value is Exclude<FilterValue, null> {
  return ['string', 'number', 'boolean'].includes(typeof value) || value instanceof Date;
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
