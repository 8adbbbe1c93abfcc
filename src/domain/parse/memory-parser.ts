import type { z } from 'zod';
import type { Metadata } from '../json';
import type { Limits } from '../limits';
import { memoryKinds } from '../memory';
import { isPlainName } from '../names';
import { isDate, isFloat32Array, isPlainObject } from '../realms';
import { trustLevels } from '../trust';
import { newMemoryShape, type ParsedMemory } from './parse-memory';
import { toEpochMs, vectorIssue } from './shapes';

/** Makes a parser for the input of `remember`. It gives what the schema gives, faster for the usual input. */
export function memoryParser(limits: Limits): (input: unknown) => z.ZodSafeParseResult<ParsedMemory> {
  const shape = newMemoryShape(limits);
  return (input) => {
    const data = usualMemory(input, limits);
    return data === undefined ? shape.safeParse(input) : { success: true, data };
  };
}

/**
 * Parses the usual input of `remember`, which takes a quarter of the time of the schema: names of printable ASCII, flat metadata, dates, a vector.
 * Returns undefined for everything else, valid or not: the schema then parses it, and finds every issue. For what it accepts, the schema
 * returns the same.
 */
function usualMemory(input: unknown, limits: Limits): ParsedMemory | undefined {
  if (!isPlainObject(input) || typeof input.text !== 'string') return undefined;
  const memory: Record<string, unknown> = {};
  for (const field of Object.keys(input)) {
    const parsed = parsers.get(field)?.(input[field], limits);
    if (parsed === undefined) return undefined;
    memory[field] = parsed;
  }
  return memory as ParsedMemory;
}

/** Returns the parsed form of a field, or undefined if the value is not usual. */
type FieldParser = (value: unknown, limits: Limits) => unknown;

const parsers: ReadonlyMap<string, FieldParser> = new Map<string, FieldParser>([
  ['text', usualText],
  ['namespace', (value, { namespaceDepth, nameBytes }) => usualNames(value, namespaceDepth, nameBytes)],
  ['tags', (value, { tags, nameBytes }) => unique(usualNames(value, tags, nameBytes))],
  ['metadata', usualMetadata],
  [
    'vector',
    (value) => (isFloat32Array(value) && vectorIssue(value) === undefined ? new Float32Array(value) : undefined),
  ],
  ['kind', (value) => memoryKinds.find((kind) => kind === value)],
  ['priority', (value) => (typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined)],
  ['maxTrust', (value) => trustLevels.find((trust) => trust === value)],
  ['pinned', (value) => (typeof value === 'boolean' ? value : undefined)],
  ...(['userId', 'sessionId', 'key', 'idempotencyKey'] as const).map(
    (field) => [field, ((value, { nameBytes }) => usualName(value, nameBytes)) as FieldParser] as const,
  ),
  ...(['validFrom', 'validTo', 'expiresAt'] as const).map(
    (field) => [field, ((value) => (isDate(value) ? toEpochMs(value) : undefined)) as FieldParser] as const,
  ),
]);

// In UTF-8, a unit of UTF-16 takes at most three bytes, and in JSON six. A number in JSON is shorter than this.
const maxUnitBytes = 3;
const maxUnitJsonBytes = 6;
const maxNumberBytes = 32;

function usualText(value: unknown, { textBytes }: Limits): string | undefined {
  if (typeof value !== 'string' || value.length * maxUnitBytes > textBytes) return undefined;
  return value.isWellFormed() && value.trim() !== '' ? value : undefined;
}

function usualName(value: unknown, maxBytes: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= maxBytes && isPlainName(value)
    ? value
    : undefined;
}

function usualNames(value: unknown, maxLength: number, maxBytes: number): string[] | undefined {
  if (!Array.isArray(value) || value.length > maxLength) return undefined;
  const names: string[] = [];
  for (let i = 0; i < value.length; i++) {
    const name = usualName(value[i], maxBytes);
    if (name === undefined) return undefined;
    names.push(name);
  }
  return names;
}

function unique(names: string[] | undefined): string[] | undefined {
  return names === undefined || names.length < 2 ? names : [...new Set(names)];
}

function usualMetadata(value: unknown, { metadataBytes }: Limits): Metadata | undefined {
  if (!isPlainObject(value)) return undefined;
  // A copy of what is checked, because a getter could return something else later.
  const copy: Record<string, unknown> = {};
  let bytes = 0;
  for (const key of Object.keys(value)) {
    const each = value[key];
    if (key === '__proto__' || !isUsualValue(each) || !key.isWellFormed()) return undefined;
    copy[key] = each;
    bytes += maxUnitJsonBytes * (key.length + (typeof each === 'string' ? each.length : 0)) + maxNumberBytes;
  }
  return bytes <= metadataBytes ? (copy as Metadata) : undefined;
}

function isUsualValue(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || value === null;
}
