import type { FilterNode, Operand, Operator } from '../../domain/filter';
import type { Json, Metadata } from '../../domain/json';
import { substringTest } from './substring';

/** Decides whether metadata matches a filter on metadata alone. The meaning is that of `filterCondition`. */
export type MetadataTest = (metadata: Metadata) => boolean;

/** Compiles a filter on metadata alone, so that the metadata of a memory is parsed once for all conditions. */
export function metadataTest(node: FilterNode): MetadataTest {
  switch (node.op) {
    case 'and': {
      const tests = node.nodes.map(metadataTest);
      return (metadata) => tests.every((test) => test(metadata));
    }
    case 'or': {
      const tests = node.nodes.map(metadataTest);
      return (metadata) => tests.some((test) => test(metadata));
    }
    case 'not': {
      const test = metadataTest(node.node);
      return (metadata) => !test(metadata);
    }
    case 'compare': {
      if (!('metadata' in node.field)) throw new Error(`${node.field.name} is not metadata.`);
      const key = node.field.metadata;
      const test = valueTest(node.operator, node.operands);
      return (metadata) => test(Object.hasOwn(metadata, key) ? metadata[key] : undefined);
    }
    case 'text':
    case 'namespace':
      throw new Error(`${node.op} is not metadata.`);
  }
}

type ValueTest = (value: Json | undefined) => boolean;

function valueTest(operator: Operator, operands: readonly Operand[]): ValueTest {
  const [operand = null] = operands;
  switch (operator) {
    case 'exists':
      return (value) => isAbsent(value) !== operand;
    case 'eq':
    case 'in':
      return isOneOf(operands);
    case 'ne':
    case 'nin': {
      const isListed = isOneOf(operands);
      return (value) => !isListed(value);
    }
    case 'contains':
      return containsTest(operand);
    case 'startsWith':
      return (value) => typeof value === 'string' && typeof operand === 'string' && value.startsWith(operand);
    default:
      return (value) => {
        const order = compared(value, operand);
        if (order === undefined) return false;
        if (operator === 'gt') return order > 0;
        if (operator === 'gte') return order >= 0;
        return operator === 'lt' ? order < 0 : order <= 0;
      };
  }
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

function isOneOf(operands: readonly Operand[]): ValueTest {
  const listed = new Set<unknown>(operands);
  return (value) => (isAbsent(value) ? listed.has(null) : listed.has(value));
}

function containsTest(operand: Operand): ValueTest {
  const hasSubstring = typeof operand === 'string' ? substringTest(operand) : () => false;
  return (value) => (typeof value === 'string' ? hasSubstring(value) : Array.isArray(value) && value.includes(operand));
}

/** The order of two values of one type: negative, 0 or positive. Undefined for values of different types. */
function compared(value: Json | undefined, operand: Operand): number | undefined {
  if (typeof value === 'string' && typeof operand === 'string') return comparedTexts(value, operand);
  if (typeof value === 'number' && typeof operand === 'number') return value - operand;
  return typeof value === 'boolean' && typeof operand === 'boolean' ? Number(value) - Number(operand) : undefined;
}

/** Texts are ordered by their code points, as SQLite orders UTF-8. JavaScript orders UTF-16, where surrogates precede U+E000. */
function comparedTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length) return a.length - b.length;
  return afterOthers(a.charCodeAt(i)) - afterOthers(b.charCodeAt(i));
}

function afterOthers(codeUnit: number): number {
  const isSurrogate = codeUnit >= 0xd800 && codeUnit <= 0xdfff;
  return isSurrogate ? codeUnit + 0x10000 : codeUnit;
}
