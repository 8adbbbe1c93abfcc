import type { Issue } from '../errors';
import { type FieldType, type FilterNode, filterFields, type Operand, type Operator, operators } from '../filter';
import type { Limits } from '../limits';
import type { FilterField } from '../selection';
import { toEpochMs } from '../time';
import { unknownField } from './shapes';

type Path = readonly (string | number)[];

/** Turns a filter into a tree, collecting every issue. The tree is of use only where there was none. */
export class FilterParser {
  readonly issues: Issue[] = [];
  readonly #limits: Limits;
  #conditions = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  parse(filter: unknown, path: Path): FilterNode {
    const node = this.#filter(filter, path);
    if (this.#conditions > this.#limits.conditions) {
      this.#issue(path, `has ${this.#conditions} conditions, at most ${this.#limits.conditions} are allowed.`);
    }
    return node;
  }

  #filter(filter: unknown, path: Path): FilterNode {
    if (!isObject(filter)) return this.#issue(path, 'must be an object of conditions.');
    // Past the limit nothing is gained by going deeper, and an endless nesting would exhaust the stack.
    if (path.length > this.#limits.conditions) return this.#issue(path, 'is nested too deeply.');
    return { op: 'and', nodes: Object.entries(filter).map(([key, value]) => this.#entry(key, value, [...path, key])) };
  }

  #entry(key: string, value: unknown, path: Path): FilterNode {
    if (value === undefined)
      return this.#issue(path, 'is undefined: leave it out to search everything, or give a value.');
    switch (key) {
      case 'and':
      case 'or':
        if (!Array.isArray(value)) return this.#issue(path, 'must be a list of filters.');
        return { op: key, nodes: value.map((each, i) => this.#filter(each, [...path, i])) };
      case 'not':
        return { op: 'not', node: this.#filter(value, path) };
      case 'metadata':
        return this.#metadata(value, path);
      default:
        return this.#field(key, value, path);
    }
  }

  #metadata(conditions: unknown, path: Path): FilterNode {
    if (!isObject(conditions)) return this.#issue(path, 'must be an object of conditions on metadata keys.');
    const nodes = Object.entries(conditions).map(([key, condition]) =>
      this.#condition({ metadata: key }, undefined, condition, [...path, key]),
    );
    return { op: 'and', nodes };
  }

  #field(key: string, condition: unknown, path: Path): FilterNode {
    if (!Object.hasOwn(filterFields, key)) {
      return this.#issue(path, unknownField(key, [...Object.keys(filterFields), 'metadata', 'and', 'or', 'not']));
    }
    const name = key as FilterField;
    return this.#condition({ name }, filterFields[name], condition, path);
  }

  #condition(field: Compare['field'], type: FieldType | undefined, condition: unknown, path: Path): FilterNode {
    if (condition === undefined)
      return this.#issue(path, 'is undefined: leave it out to search everything, or give a value.');
    if (!isObject(condition) || condition instanceof Date) return this.#compare(field, type, 'eq', condition, path);
    const entries = Object.entries(condition);
    if (entries.length === 0) return this.#issue(path, `must name an operator: ${operators.join(', ')}.`);
    const nodes = entries.map(([operator, value]) => {
      const at = [...path, operator];
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
      if (typeof value !== 'boolean') return this.#issue(path, 'must be true or false.');
      return { op: 'compare', field, operator, operands: [value] };
    }
    if (type === 'list' && /^[gl]te?$/.test(operator))
      return this.#issue(path, 'cannot be used on a list: use contains, in or nin.');
    if (type !== undefined && type !== 'list' && type !== 'text' && operator === 'contains') {
      return this.#issue(path, 'can be used on texts and lists only.');
    }
    const values = operator === 'in' || operator === 'nin' ? value : [value];
    if (!Array.isArray(values)) return this.#issue(path, 'must be a list of values.');
    const operands = values.map((each, i) =>
      this.#operand(each, type, operator, values === value ? [...path, i] : path),
    );
    return { op: 'compare', field, operator, operands };
  }

  #operand(value: unknown, type: FieldType | undefined, operator: Operator, path: Path): Operand {
    if (value === null && !/^[gl]te?$/.test(operator) && operator !== 'contains') return null;
    const operand = type === undefined ? metadataOperand(value) : fieldOperand(value, type);
    if (operand === undefined) this.#issue(path, expected[type ?? 'metadata']);
    return operand ?? null;
  }

  #issue(path: Path, message: string): FilterNode {
    this.issues.push({ path, message });
    return { op: 'and', nodes: [] };
  }
}

type Compare = Extract<FilterNode, { op: 'compare' }>;

const expected = {
  text: 'must be a string.',
  list: 'must be a string.',
  number: 'must be a number.',
  time: 'must be a Date, an ISO string with a zone or epoch milliseconds.',
  metadata: 'must be a string, a finite number, a boolean, null or a valid Date.',
} as const;

function fieldOperand(value: unknown, type: FieldType): Operand | undefined {
  if (type === 'time') return toEpochMs(value);
  if (type === 'number') return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
  return typeof value === 'string' ? value : undefined;
}

function metadataOperand(value: unknown): Operand | undefined {
  if (value instanceof Date) return toEpochMs(value) === undefined ? undefined : value.toISOString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' || typeof value === 'boolean' ? value : undefined;
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
