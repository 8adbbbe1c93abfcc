import type { FilterNode, Operand, Operator } from '../../domain/filter';
import type { Json, Metadata } from '../../domain/json';

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
      return (value) => contains(value, operand);
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

function contains(value: Json | undefined, operand: Operand): boolean {
  if (typeof value === 'string') return typeof operand === 'string' && hasSubstring(value, operand);
  return Array.isArray(value) && value.includes(operand);
}

// Up to this length, the search of the engine is fast for every text. Beyond, some texts make it take time for each pair of characters.
const maxShortPattern = 16;

/** Searches in a time that only depends on the sum of both lengths (Knuth, Morris, Pratt 1977, doi:10.1137/0206024). */
function hasSubstring(text: string, pattern: string): boolean {
  if (pattern.length <= maxShortPattern) return text.includes(pattern);
  const fallback = new Uint32Array(pattern.length);
  for (let i = 1, matched = 0; i < pattern.length; i++) {
    while (matched > 0 && pattern[i] !== pattern[matched]) matched = fallback[matched - 1] as number;
    if (pattern[i] === pattern[matched]) matched++;
    fallback[i] = matched;
  }
  for (let i = 0, matched = 0; i < text.length; i++) {
    while (matched > 0 && text[i] !== pattern[matched]) matched = fallback[matched - 1] as number;
    if (text[i] === pattern[matched]) matched++;
    if (matched === pattern.length) return true;
  }
  return false;
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
