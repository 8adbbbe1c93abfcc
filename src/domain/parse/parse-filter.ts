import { types } from 'node:util';
import { type Issue, maxIssues } from '../errors';
import {
  type FieldType,
  type FilterNode,
  filterFields,
  maxTextConditions,
  type NamespaceOperator,
  namespaceOperators,
  type Operand,
  type Operator,
  operators,
} from '../filter';
import type { Limits } from '../limits';
import { normalName } from '../names';
import type { Namespace } from '../namespace';
import { isPlainObject } from '../realms';
import type { FilterField } from '../selection';
import { expected, issuesOf, namespace, timeIssue, toEpochMs, undefinedField, unknownField } from './shapes';

type Path = Issue['path'];

export interface FilterParserOptions {
  /**
   * Rejects every part of the filter without a condition. Such a part probably comes from a variable that is undefined by mistake, and it
   * would match too many memories. Default: false.
   */
  readonly rejectEmpty?: boolean;
}

/** The maximum nesting depth of a filter, for any limit on conditions. Each level takes a part of the stack, here and in SQLite. */
const maxDepth = 100;

/** What a filter can contain beside the fields that it compares with single values. */
const otherKeys = ['text', 'namespace', 'metadata', 'and', 'or', 'not'];

/**
 * Parses a filter into a tree and collects the issues, up to the number that an error lists. Use the tree only if there are no issues.
 *
 * Parsing stops as soon as the filter is certainly too large. Otherwise a filter in which objects occur several times in each other could
 * take forever.
 */
export class FilterParser {
  readonly issues: Issue[] = [];
  readonly #limits: Limits;
  readonly #rejectEmpty: boolean;
  #conditions = 0;
  #textConditions = 0;
  #bytes = 0;
  /** Made once for all namespaces, because making a shape takes a hundred times as long as using it. */
  #namespaceShape: ReturnType<typeof namespace> | undefined;

  constructor(limits: Limits, { rejectEmpty = false }: FilterParserOptions = {}) {
    this.#limits = limits;
    this.#rejectEmpty = rejectEmpty;
  }

  parse(filter: unknown): FilterNode {
    const node = this.#filter(filter, []);
    const { conditions, filterBytes } = this.#limits;
    if (this.#conditions > conditions) this.#issue([], `expected at most ${conditions} conditions, got more.`);
    if (this.#textConditions > maxTextConditions)
      this.#issue([], `expected at most ${maxTextConditions} conditions on text, got more.`);
    if (this.#bytes > filterBytes)
      this.#issue([], `expected at most ${filterBytes} bytes of names and values, got more.`);
    return node;
  }

  get #hasEnded(): boolean {
    const { conditions, filterBytes } = this.#limits;
    return this.#conditions > conditions || this.#bytes > filterBytes || this.issues.length >= maxIssues;
  }

  /** Parses values until parsing stops. */
  #each<T>(values: readonly T[], parse: (value: T, index: number) => FilterNode): FilterNode[] {
    const nodes: FilterNode[] = [];
    for (const [i, value] of values.entries()) {
      if (this.#hasEnded) break;
      nodes.push(parse(value, i));
    }
    return nodes;
  }

  #filter(filter: unknown, path: Path): FilterNode {
    if (!isPlainObject(filter)) return this.#issue(path, expected('an object of conditions')({ input: filter }));
    // Without this limit, a filter that contains itself would exhaust the stack.
    if (path.length > maxDepth) return this.#issue(path, `expected at most ${maxDepth} levels of nesting, got more.`);
    const before = this.#conditions;
    const keys = Object.keys(filter);
    this.#checkCount(keys, 'condition', path);
    const nodes = this.#each(keys, (key) => this.#entry(key, filter[key], [...path, key]));
    // An empty nested filter counts as one condition, because it has a cost too.
    if (this.#conditions === before && path.length > 0) this.#conditions++;
    return { op: 'and', nodes };
  }

  #entry(key: string, value: unknown, path: Path): FilterNode {
    if (value === undefined) return this.#issue(path, undefinedField);
    switch (key) {
      case 'and':
      case 'or':
        if (!Array.isArray(value)) return this.#issue(path, expected('an array of filters')({ input: value }));
        this.#checkCount(value, 'filter', path);
        return { op: key, nodes: this.#each(value, (each, i) => this.#filter(each, [...path, i])) };
      case 'not':
        return { op: 'not', node: this.#filter(value, path) };
      case 'metadata':
        return this.#metadata(value, path);
      case 'text':
        return this.#text(value, path);
      case 'namespace':
        return this.#namespace(value, path);
      default:
        return this.#field(key, value, path);
    }
  }

  #metadata(conditions: unknown, path: Path): FilterNode {
    if (!isPlainObject(conditions))
      return this.#issue(path, expected('an object of conditions')({ input: conditions }));
    const keys = Object.keys(conditions);
    this.#checkCount(keys, 'condition', path);
    const nodes = this.#each(keys, (key) => {
      this.#bytes += Buffer.byteLength(key);
      return this.#condition({ metadata: key.toWellFormed() }, undefined, conditions[key], [...path, key]);
    });
    return { op: 'and', nodes };
  }

  #text(condition: unknown, path: Path): FilterNode {
    if (!isPlainObject(condition))
      return this.#issue(path, expected('a condition, such as { contains: "words" }')({ input: condition }));
    const given = Object.keys(condition);
    if (given.length === 0) return this.#issue(path, 'expected the operator contains, got none.');
    const nodes = this.#each(given, (operator): FilterNode => {
      const [pattern, at] = [condition[operator], [...path, operator]];
      if (operator !== 'contains') return this.#issue(at, unknownField(operator, ['contains'], 'operator'));
      this.#conditions++;
      this.#textConditions++;
      if (typeof pattern !== 'string') return this.#issue(at, expected('a string')({ input: pattern }));
      if (this.#rejectEmpty && pattern === '') return this.#issue(at, expected('a non-empty string')({ input: '' }));
      this.#bytes += Buffer.byteLength(pattern);
      return { op: 'text', contains: pattern.toWellFormed() };
    });
    return { op: 'and', nodes };
  }

  #namespace(condition: unknown, path: Path): FilterNode {
    if (Array.isArray(condition)) return this.#namespaces('eq', condition, path);
    if (!isPlainObject(condition))
      return this.#issue(
        path,
        expected('an array of labels, or a condition such as { startsWith: ["support"] }')({ input: condition }),
      );
    const given = Object.keys(condition);
    if (given.length === 0)
      return this.#issue(path, `expected an operator (${namespaceOperators.join(', ')}), got none.`);
    const nodes = this.#each(given, (operator) => {
      const at = [...path, operator];
      if (!(namespaceOperators as readonly string[]).includes(operator))
        return this.#issue(at, unknownField(operator, namespaceOperators, 'operator'));
      return this.#namespaces(operator as NamespaceOperator, condition[operator], at);
    });
    return { op: 'and', nodes };
  }

  #namespaces(operator: NamespaceOperator, value: unknown, path: Path): FilterNode {
    this.#conditions++;
    const isList = operator === 'in' || operator === 'nin';
    const values = isList ? value : [value];
    if (!Array.isArray(values)) return this.#issue(path, expected('an array of namespaces')({ input: values }));
    this.#checkCount(values, 'namespace', path);
    if (this.#rejectEmpty && operator === 'startsWith' && Array.isArray(value) && value.length === 0)
      return this.#issue(path, 'expected at least one label, got the whole store.');
    const namespaces: Namespace[] = [];
    // A namespace takes longer to read than a value, so that it counts for more bytes than its labels have.
    this.#bytes += values.length * 4;
    this.#namespaceShape ??= namespace(this.#limits);
    for (const [i, each] of values.entries()) {
      if (this.#hasEnded) break;
      const parsed = this.#namespaceShape.safeParse(each);
      if (!parsed.success) this.issues.push(...issuesOf(parsed.error, isList ? [...path, i] : path));
      else {
        this.#bytes += parsed.data.reduce((sum, label) => sum + Buffer.byteLength(label), 0);
        namespaces.push(parsed.data);
      }
    }
    const node: FilterNode = { op: 'namespace', relation: operator === 'startsWith' ? 'within' : 'in', namespaces };
    return operator === 'ne' || operator === 'nin' ? { op: 'not', node } : node;
  }

  #field(key: string, condition: unknown, path: Path): FilterNode {
    if (!Object.hasOwn(filterFields, key)) {
      return this.#issue(path, unknownField(key, [...Object.keys(filterFields), ...otherKeys]));
    }
    const name = key as FilterField;
    return this.#condition({ name }, filterFields[name], condition, path);
  }

  #condition(field: Compare['field'], type: FieldType | undefined, condition: unknown, path: Path): FilterNode {
    if (condition === undefined) return this.#issue(path, undefinedField);
    if (!isPlainObject(condition)) return this.#compare(field, type, 'eq', condition, path);
    const given = Object.keys(condition);
    if (given.length === 0) return this.#issue(path, `expected an operator (${operators.join(', ')}), got none.`);
    const nodes = this.#each(given, (operator) => {
      const [value, at] = [condition[operator], [...path, operator]];
      if (!(operators as readonly string[]).includes(operator))
        return this.#issue(at, unknownField(operator, operators, 'operator'));
      return this.#compare(field, type, operator as Operator, value, at);
    });
    return { op: 'and', nodes };
  }

  #compare(
    field: Compare['field'],
    type: FieldType | undefined,
    operator: Operator,
    value: unknown,
    path: Path,
  ): FilterNode {
    this.#conditions++;
    if (operator === 'exists') {
      if (typeof value !== 'boolean') return this.#issue(path, expected('true or false')({ input: value }));
      return { op: 'compare', field, operator, operands: [value] };
    }
    if (type === 'list' && isOrder(operator))
      return this.#issue(path, `"${operator}" does not apply to a list. Use contains, in or nin.`);
    if ((type === 'number' || type === 'time') && operator === 'contains')
      return this.#issue(path, `"contains" does not apply to a ${type}. Use eq, in or gte.`);
    const values = operator === 'in' || operator === 'nin' ? value : [value];
    if (!Array.isArray(values)) return this.#issue(path, expected('an array of values')({ input: values }));
    this.#checkCount(values, 'value', path);
    if (operator === 'startsWith') {
      if (type !== 'text' && type !== 'name' && type !== undefined)
        return this.#issue(
          path,
          `"startsWith" does not apply to a ${type}. Use eq, in${type === 'list' ? '' : ' or gte'}.`,
        );
      if (typeof value !== 'string') return this.#issue(path, expected('a string')({ input: value }));
    }
    if (this.#rejectEmpty && (operator === 'contains' || operator === 'startsWith') && value === '')
      return this.#issue(path, expected('a non-empty string')({ input: value }));
    const operands: Operand[] = [];
    // Each value takes at least two bytes. Adding them first avoids reading a list that is too long.
    this.#bytes += values.length * 2;
    for (const [i, each] of values.entries()) {
      if (this.#hasEnded) break;
      operands.push(this.#operand(each, type, operator, values === value ? [...path, i] : path));
    }
    return { op: 'compare', field, operator, operands };
  }

  #operand(value: unknown, type: FieldType | undefined, operator: Operator, path: Path): Operand {
    if (value === null && !isOrder(operator) && operator !== 'contains') return null;
    if (typeof value === 'string' && value.length > this.#limits.filterBytes) {
      // It is certainly too long, so that it is not read any further.
      this.#bytes += value.length;
      return null;
    }
    const timeMessage = type === 'time' ? timeIssue(value) : undefined;
    if (timeMessage !== undefined) {
      this.#issue(path, timeMessage);
      return null;
    }
    const operand = type === undefined ? metadataOperand(value) : fieldOperand(value, type);
    if (typeof operand === 'string') this.#bytes += Buffer.byteLength(operand);
    if (operand === undefined)
      this.#issue(
        path,
        expected(operandTypes[type === undefined || type === 'time' ? 'metadata' : type])({ input: value }),
      );
    return operand ?? null;
  }

  #checkCount(parts: readonly unknown[], what: string, path: Path): void {
    if (this.#rejectEmpty && parts.length === 0) this.#issue(path, `expected at least one ${what}, got none.`);
  }

  #issue(path: Path, message: string): FilterNode {
    this.issues.push({ path, message });
    return { op: 'and', nodes: [] };
  }
}

type Compare = Extract<FilterNode, { op: 'compare' }>;

/** The values with which each type of field can be compared, for messages. */
const operandTypes = {
  text: 'a string',
  name: 'a string',
  list: 'a string',
  number: 'a number',
  metadata: 'a string, a finite number, a boolean, null or a valid Date',
} as const;

function isOrder(operator: Operator): boolean {
  return operator === 'gt' || operator === 'gte' || operator === 'lt' || operator === 'lte';
}

function fieldOperand(value: unknown, type: FieldType): Operand | undefined {
  if (type === 'time') return toEpochMs(value);
  if (type === 'number') return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  // A name may have hidden characters here, so that a filter also finds names from earlier releases, which accepted them.
  return type === 'text' ? value.toWellFormed() : normalName(value.toWellFormed());
}

function metadataOperand(value: unknown): Operand | undefined {
  if (types.isDate(value)) return toEpochMs(value) === undefined ? undefined : value.toISOString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'string') return value.toWellFormed();
  return typeof value === 'boolean' ? value : undefined;
}
