import { describeValue, isDate, isPlainObject } from '../../domain/realms';
import type { Filter, FilterCondition, FilterValue, Issue } from '../../index';
import { unknownKeyMessage } from '../shared/input-checks';
import { type FilterOperator, filterOperators, valueTest } from './filter-value-test';
import { invalidOperation } from './langgraph-errors';

type ItemValue = Readonly<Record<string, unknown>>;
type Path = Issue['path'];

/** A LangGraph filter in two parts. An item matches if both parts match. */
export interface ParsedFilter {
  /** Conditions that the store checks. They match all items that the whole filter matches, and possibly more. */
  readonly conditions: readonly Filter[];
  /** Checks the whole value. Undefined if the conditions alone are enough. */
  readonly matchesValue: ((value: ItemValue) => boolean) | undefined;
  /** The whole filter, for values that are not in metadata. */
  readonly matches: (value: ItemValue) => boolean;
}

/** A part of a filter, as a condition for the store and as a check of the value. */
interface Check {
  /** Undefined if the store can check no part of it. */
  readonly condition: Filter | undefined;
  /** True if the condition matches exactly the same items as the check. */
  readonly isExact: boolean;
  readonly matches: (value: ItemValue) => boolean;
}

const combinations = ['$and', '$or', '$not'] as const;
const fieldOperators: readonly string[] = [...filterOperators, ...combinations];

// The limit is needed because a filter that contains itself would exhaust the stack. The store allows 100 conditions.
const maxDepth = 100;

/**
 * Parses a filter with LangGraph's operators, and with `$and`, `$or` and `$not` at every level. A field is a key of the value, or a
 * path such as `details.category` if the value has no such key.
 *
 * @throws INVALID_INPUT with an issue for each unknown operator and for each value that cannot be compared
 */
export function parseFilter(filter: ItemValue | null | undefined): ParsedFilter {
  if (filter === null || filter === undefined) return { conditions: [], matchesValue: undefined, matches: () => true };
  const parser = new FilterParser();
  const { condition, isExact, matches } = parser.parse(filter, ['filter']);
  if (parser.issues.length > 0) throw invalidOperation(parser.issues);
  return {
    conditions: condition === undefined ? [] : [condition],
    matchesValue: isExact ? undefined : matches,
    matches,
  };
}

class FilterParser {
  readonly issues: Issue[] = [];

  parse(filter: unknown, path: Path): Check {
    if (!isPlainObject(filter))
      return this.#issue(path, `expected an object of conditions, got ${describeValue(filter)}.`);
    const entries = Object.entries(filter);
    if (path.length > maxDepth) return this.#issue(path, `expected at most ${maxDepth} levels of nesting, got more.`);
    if (entries.length === 0 && path.length > 1) return this.#issue(path, 'expected at least one condition, got none.');
    return allOf(entries.map(([key, condition]) => this.#entry(key, condition, [...path, key])));
  }

  #entry(key: string, condition: unknown, path: Path): Check {
    if (isCombination(key)) return this.#combination(key, condition, path, (each, at) => this.parse(each, at));
    // A field whose name begins with `$` is rejected, because it could be an operator with a typing error.
    if (key.startsWith('$')) return this.#issue(path, unknownKeyMessage(key, combinations, 'operator'));
    return this.#field(key, condition, path);
  }

  #combination(
    operator: (typeof combinations)[number],
    operand: unknown,
    path: Path,
    parse: (operand: unknown, path: Path) => Check,
  ): Check {
    if (operator === '$not') return not(parse(operand, path));
    if (!Array.isArray(operand) || operand.length === 0)
      return this.#issue(path, 'expected a list with at least one element.');
    const checks = operand.map((each, i) => parse(each, [...path, i]));
    return operator === '$and' ? allOf(checks) : anyOf(checks);
  }

  #field(key: string, condition: unknown, path: Path): Check {
    if (path.length > maxDepth) return this.#issue(path, `expected at most ${maxDepth} levels of nesting, got more.`);
    if (!isObject(condition) || ArrayBuffer.isView(condition)) return this.#comparison(key, '$eq', condition, path);
    const names = Object.keys(condition);
    if (names.length === 0)
      return this.#issue(path, `expected a value, or an object with an operator: ${fieldOperators.join(', ')}.`);
    // An object without operators is a value to compare with.
    if (names.every((name) => !name.startsWith('$'))) return this.#comparison(key, '$eq', condition, path);
    return allOf(names.map((name) => this.#operator(key, name, condition[name], [...path, name])));
  }

  #operator(key: string, name: string, operand: unknown, path: Path): Check {
    if (isCombination(name)) return this.#combination(name, operand, path, (each, at) => this.#field(key, each, at));
    if (isOperator(name)) return this.#comparison(key, name, operand, path);
    return this.#issue(path, unknownKeyMessage(name, fieldOperators, 'operator'));
  }

  #comparison(key: string, operator: FilterOperator, operand: unknown, path: Path): Check {
    const values = operator === '$in' || operator === '$nin' ? operand : [operand];
    if (!Array.isArray(values)) return this.#issue(path, 'expected a list of values.');
    for (const value of values) {
      const message = operandProblem(operator, value);
      if (message !== undefined) this.#issue(path, message);
    }
    const test = valueTest(operator, values);
    const matches = (value: ItemValue) => test(valueAt(value, key));
    if (key.includes('.')) return { condition: pathCondition(key, test(undefined)), isExact: false, matches };
    if (values.every(isScalar))
      return { condition: { metadata: { [key]: storeCondition(operator, values) } }, isExact: true, matches };
    // For null, lists and objects the store can check only whether a value exists. In the store, null counts as absent.
    const condition: Filter | undefined =
      operator === '$eq' ? { metadata: { [key]: { exists: values[0] !== null } } } : undefined;
    return { condition, isExact: false, matches };
  }

  #issue(path: Path, message: string): Check {
    this.issues.push({ path, message });
    return { condition: undefined, isExact: true, matches: () => true };
  }
}

/** Reads the value for a key. If the key does not exist, reads it as a path such as `details.category`. Undefined if nothing is there. */
function valueAt(value: ItemValue, key: string): unknown {
  if (Object.hasOwn(value, key)) return value[key];
  let inner: unknown = value;
  for (const step of key.split('.')) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step)) return undefined;
    inner = (inner as ItemValue)[step];
  }
  return inner;
}

/**
 * Makes the condition for a path. The store can only check whether the first field of the path exists. Returns undefined if an absent
 * value matches too.
 */
function pathCondition(key: string, matchesAbsent: boolean): Filter | undefined {
  if (matchesAbsent) return undefined;
  const first = key.split('.', 1)[0] as string;
  return { or: [key, first].map((name) => ({ metadata: { [name]: { exists: true } } })) };
}

function allOf(checks: readonly Check[]): Check {
  const conditions = checks.flatMap(({ condition }) => (condition === undefined ? [] : [condition]));
  const [condition] = conditions;
  return {
    condition: conditions.length > 1 ? { and: conditions } : condition,
    isExact: checks.every(({ isExact }) => isExact),
    matches: (value) => checks.every(({ matches }) => matches(value)),
  };
}

function anyOf(checks: readonly Check[]): Check {
  const conditions = checks.flatMap(({ condition }) => (condition === undefined ? [] : [condition]));
  return {
    condition: conditions.length === checks.length ? { or: conditions } : undefined,
    isExact: checks.every(({ isExact }) => isExact),
    matches: (value) => checks.some(({ matches }) => matches(value)),
  };
}

// If a condition matches too many items, its negation would match too few, so only exact conditions are negated.
function not({ condition, isExact, matches }: Check): Check {
  return {
    condition: isExact && condition !== undefined ? { not: condition } : undefined,
    isExact,
    matches: (value) => !matches(value),
  };
}

function operandProblem(operator: FilterOperator, value: unknown): string | undefined {
  if (operator === '$exists')
    return typeof value === 'boolean' ? undefined : `expected true or false, got ${describeValue(value)}.`;
  const isOrder = /^\$[gl]te?$/.test(operator);
  const isInvalidDate = isDate(value) && Number.isNaN(value.getTime());
  const isComparable =
    !isInvalidDate && value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';
  if (isComparable && (!isOrder || isScalar(value)) && (typeof value !== 'number' || Number.isFinite(value)))
    return undefined;
  const expected = isOrder ? 'a number, a string, a boolean or a Date' : 'a value that JSON can hold';
  return `expected ${expected}, got ${String(value)}.`;
}

function storeCondition(operator: FilterOperator, values: readonly FilterValue[]): FilterCondition {
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
    case '$exists':
      return { exists: value === true };
  }
}

function isOperator(name: string): name is FilterOperator {
  return (filterOperators as readonly string[]).includes(name);
}

function isCombination(name: string): name is (typeof combinations)[number] {
  return (combinations as readonly string[]).includes(name);
}

function isScalar(value: unknown): value is Exclude<FilterValue, null> {
  return ['string', 'number', 'boolean'].includes(typeof value) || isDate(value);
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDate(value);
}
