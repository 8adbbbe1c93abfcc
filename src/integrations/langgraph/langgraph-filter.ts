import { isDeepStrictEqual } from 'node:util';
import { isDate } from '../../domain/realms';
import type { Filter, FilterCondition, FilterValue, Issue } from '../../index';
import { unknownKeyMessage } from '../shared/input-checks';
import { invalidOperation } from './langgraph-errors';

type ItemValue = Readonly<Record<string, unknown>>;

/** A LangGraph filter in two parts. An item matches if it meets both. */
export interface ParsedFilter {
  /** Conditions that the store checks. They may match more items than the whole filter, and never fewer. */
  readonly conditions: readonly Filter[];
  /** Comparisons with null, lists and objects, which need the whole value. Undefined if there are none. */
  readonly matchesValue: ((value: ItemValue) => boolean) | undefined;
}

/** One comparison: as a condition for the store, as a check of the value, or as both. */
interface Comparison {
  readonly condition?: FilterCondition;
  readonly matches?: (value: unknown) => boolean;
}

const operators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin'] as const;
type Operator = (typeof operators)[number];

/**
 * Parses a filter with LangGraph's operators.
 *
 * @throws INVALID_INPUT with an issue for each unknown operator and for each value that cannot be compared
 */
export function parseFilter(filter: ItemValue | null | undefined): ParsedFilter {
  const issues: Issue[] = [];
  const comparisons = Object.entries(filter ?? {}).flatMap(([key, condition]) =>
    parseCondition(condition, ['filter', key], issues).map((comparison) => ({ key, ...comparison })),
  );
  if (issues.length > 0) throw invalidOperation(issues);
  const conditions = comparisons.flatMap(({ key, condition }): Filter[] =>
    condition === undefined ? [] : [{ metadata: { [key]: condition } }],
  );
  const checks = comparisons.flatMap(({ key, matches }) =>
    matches === undefined ? [] : [(value: ItemValue) => matches(Object.hasOwn(value, key) ? value[key] : undefined)],
  );
  const matchesValue = checks.length === 0 ? undefined : (value: ItemValue) => checks.every((check) => check(value));
  return { conditions, matchesValue };
}

function parseCondition(condition: unknown, path: readonly string[], issues: Issue[]): Comparison[] {
  const names = isObject(condition) ? Object.keys(condition) : [];
  // An object without operators is a value to compare with.
  if (!isObject(condition) || (names.length > 0 && names.every((name) => !name.startsWith('$')))) {
    return [parseComparison('$eq', condition, path, issues)];
  }
  if (names.length === 0)
    issues.push({ path, message: `expected a value, or an object with an operator: ${operators.join(', ')}.` });
  return names.map((name) => {
    const at = [...path, name];
    if (isOperator(name)) return parseComparison(name, condition[name], at, issues);
    issues.push({ path: at, message: unknownKeyMessage(name, operators, 'operator') });
    return {};
  });
}

function parseComparison(operator: Operator, operand: unknown, path: readonly string[], issues: Issue[]): Comparison {
  const values = operator === '$in' || operator === '$nin' ? operand : [operand];
  if (!Array.isArray(values)) {
    issues.push({ path, message: 'expected a list of values.' });
    return {};
  }
  const isOrder = /^\$[gl]te?$/.test(operator);
  for (const value of values) {
    const isComparable = value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';
    if (isComparable && (!isOrder || isScalar(value)) && (typeof value !== 'number' || Number.isFinite(value)))
      continue;
    const expected = isOrder ? 'a number, a string, a boolean or a Date' : 'a value that JSON can hold';
    issues.push({ path, message: `expected ${expected}, got ${String(value)}.` });
  }
  if (values.every(isScalar)) return { condition: storeCondition(operator, values) };
  // For null, lists and objects the store can check only whether a value exists, and it treats null as absent.
  const isOneOf = (value: unknown) => values.some((each) => isDeepStrictEqual(value, each));
  if (operator === '$eq') return { condition: { exists: values[0] !== null }, matches: isOneOf };
  return { matches: operator === '$ne' || operator === '$nin' ? (value) => !isOneOf(value) : isOneOf };
}

function storeCondition(operator: Operator, values: readonly FilterValue[]): FilterCondition {
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

function isOperator(name: string): name is Operator {
  return (operators as readonly string[]).includes(name);
}

function isScalar(value: unknown): value is Exclude<FilterValue, null> {
  return ['string', 'number', 'boolean'].includes(typeof value) || isDate(value);
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDate(value);
}
