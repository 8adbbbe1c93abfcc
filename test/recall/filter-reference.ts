import type { Filter, FilterValue, Json, Memory, Namespace } from 'multi-agent-memory';

type Operators = {
  readonly [operator: string]: FilterValue | boolean | readonly FilterValue[] | undefined;
};

/** What a filter means, read off its definition: no compiler, no SQL, one memory at a time. */
export function matches(memory: Memory, filter: Filter): boolean {
  return Object.entries(filter).every(([key, value]) => {
    switch (key) {
      case 'and':
        return (value as Filter[]).every((each) => matches(memory, each));
      case 'or':
        return (value as Filter[]).some((each) => matches(memory, each));
      case 'not':
        return !matches(memory, value as Filter);
      case 'text':
        return memory.text.includes((value as { contains: string }).contains);
      case 'namespace':
        return isInNamespace(memory.namespace, value as Namespace | NamespaceOperators);
      case 'metadata':
        return Object.entries(value as object).every(([name, condition]) =>
          holds(Object.hasOwn(memory.metadata, name) ? memory.metadata[name] : undefined, condition, 'metadata'),
        );
      default:
        return holds(
          memory[key as keyof Memory] as Value,
          nameFields.has(key) ? inNormalForm(value) : value,
          key.endsWith('ags') ? 'list' : 'field',
        );
    }
  });
}

type NamespaceOperators = { readonly [operator: string]: Namespace | readonly Namespace[] };

function isInNamespace(namespace: Namespace, condition: Namespace | NamespaceOperators): boolean {
  const isSame = (a: Namespace, b: Namespace) => JSON.stringify(a) === JSON.stringify(b);
  if (Array.isArray(condition)) return isSame(namespace, condition as Namespace);
  return Object.entries(condition).every(([operator, operand]) => {
    const [one, list] = [operand as Namespace, operand as Namespace[]];
    switch (operator) {
      case 'eq':
        return isSame(namespace, one);
      case 'ne':
        return !isSame(namespace, one);
      case 'in':
        return list.some((each) => isSame(namespace, each));
      case 'nin':
        return !list.some((each) => isSame(namespace, each));
      default:
        return isSame(namespace.slice(0, one.length), one);
    }
  });
}

/** The fields with names, which are compared in their normal form. */
const nameFields = new Set(['key', 'agentId', 'onBehalfOf', 'userId', 'sessionId', 'tags', 'accessTags']);

function inNormalForm(condition: unknown): unknown {
  if (typeof condition === 'string') return condition.normalize('NFC');
  if (Array.isArray(condition)) return condition.map(inNormalForm);
  if (!isOperators(condition)) return condition;
  return Object.fromEntries(Object.entries(condition).map(([operator, each]) => [operator, inNormalForm(each)]));
}

type Value = Json | Date | undefined;
type Place = 'metadata' | 'field' | 'list';

function holds(value: Value, condition: unknown, place: Place): boolean {
  if (!isOperators(condition)) return isOneOf(value, [condition as FilterValue], place);
  return Object.entries(condition).every(([operator, operand]) => {
    switch (operator) {
      case 'exists':
        return isAbsent(value, place) !== operand;
      case 'eq':
        return isOneOf(value, [operand as FilterValue], place);
      case 'ne':
        return !isOneOf(value, [operand as FilterValue], place);
      case 'in':
        return isOneOf(value, operand as FilterValue[], place);
      case 'nin':
        return !isOneOf(value, operand as FilterValue[], place);
      case 'contains':
        if (typeof value === 'string') return typeof operand === 'string' && value.includes(operand);
        return Array.isArray(value) && value.some((element) => same(element, operand as FilterValue));
      case 'startsWith':
        return typeof value === 'string' && value.slice(0, (operand as string).length) === operand;
      default: {
        const order = compared(value, operand as FilterValue);
        if (order === undefined) return false;
        if (operator === 'gt') return order > 0;
        if (operator === 'gte') return order >= 0;
        return operator === 'lt' ? order < 0 : order <= 0;
      }
    }
  });
}

function isOperators(condition: unknown): condition is Operators {
  return typeof condition === 'object' && condition !== null && !(condition instanceof Date);
}

/** null means absent, everywhere; a list without elements is absent as a field, and a value like any other inside metadata. */
function isAbsent(value: Value, place: Place): boolean {
  return value === undefined || value === null || (place === 'list' && (value as Json[]).length === 0);
}

function isOneOf(value: Value, operands: readonly FilterValue[], place: Place): boolean {
  return operands.some((operand) => {
    if (operand === null) return isAbsent(value, place);
    return place === 'list' ? (value as Json[]).some((element) => same(element, operand)) : same(value, operand);
  });
}

function same(value: Value, operand: FilterValue): boolean {
  return compared(value, operand) === 0;
}

/** The order of two values of one type. Texts go by their code points. */
function compared(value: Value, operand: FilterValue): number | undefined {
  const [a, b] = [comparable(value, operand), comparable(operand, value)];
  if (typeof a !== typeof b || a === undefined || b === undefined) return undefined;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(utf32(a), utf32(b));
  return Number(a) - Number(b);
}

function comparable(value: Value, other: Value | FilterValue): string | number | boolean | undefined {
  // A Date meets the Date of a field, or the ISO text of metadata.
  if (value instanceof Date) return other instanceof Date ? value.getTime() : value.toISOString();
  return typeof value === 'object' || value === undefined ? undefined : value;
}

function utf32(text: string): Buffer {
  const bytes = Buffer.alloc([...text].length * 4);
  for (const [i, character] of [...text].entries()) bytes.writeUInt32BE(character.codePointAt(0) ?? 0, i * 4);
  return bytes;
}
