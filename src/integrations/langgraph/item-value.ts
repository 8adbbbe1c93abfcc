import { types } from 'node:util';
import { isPlainObject } from '../../domain/realms';

/** The name of the field that marks what JSON has no form for. An object of a caller that has this field is marked itself. */
const mark = '$langgraph';

// The store's limit for the depth of metadata. The store reports what is deeper.
const maxDepth = 64;

const byteArrays = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

/** Replaces each typed array by an object with its type and its bytes in base64. Everything else stays as it is. */
export function encodeBytes(value: unknown, depth = 0): unknown {
  if (types.isTypedArray(value)) {
    // A Buffer of Node.js is restored as the Uint8Array that it is.
    const type = Object.prototype.toString.call(value).slice('[object '.length, -1);
    return { [mark]: type, base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  }
  if (depth > maxDepth) return value;
  if (Array.isArray(value)) return value.map((each) => encodeBytes(each, depth + 1));
  if (!isPlainObject(value)) return value;
  const encoded = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, encodeBytes(each, depth + 1)]));
  return Object.hasOwn(value, mark) ? { [mark]: 'Object', value: encoded } : encoded;
}

/** Restores what `encodeBytes` has replaced. */
export function decodeBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeBytes);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as { readonly [name: string]: unknown };
  if (Object.hasOwn(fields, mark)) {
    const type = fields[mark];
    if (type === 'Object') return decodeFields(fields.value as object);
    if (typeof type === 'string' && Object.hasOwn(byteArrays, type) && typeof fields.base64 === 'string')
      return typedArray(type as keyof typeof byteArrays, fields.base64);
  }
  return decodeFields(fields);
}

function decodeFields(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, decodeBytes(each)]));
}

function typedArray(type: keyof typeof byteArrays, base64: string): object {
  const bytes = Buffer.from(base64, 'base64');
  // A copy, because a Buffer may share its memory with others, at a place that a type with longer elements does not allow.
  const { buffer } = Uint8Array.from(bytes);
  return new byteArrays[type](buffer);
}

/** Whether a value is what `encodeBytes` makes of a typed array. */
export function isMarkedBytes(value: unknown): boolean {
  return isPlainObject(value) && Object.hasOwn(value, mark) && value[mark] !== 'Object';
}

/** Whether a value has typed arrays. */
export function hasBytes(value: unknown, depth = 0): boolean {
  if (types.isTypedArray(value)) return true;
  if (depth > maxDepth) return false;
  return (
    (isPlainObject(value) || Array.isArray(value)) && Object.values(value).some((each) => hasBytes(each, depth + 1))
  );
}

/** Whether JSON can hold a value unchanged. */
export function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (depth > maxDepth || typeof value !== 'object') return false;
  if (Array.isArray(value)) return Array.from(value).every((each) => isJson(each, depth + 1));
  return isPlainObject(value) && Object.values(value).every((each) => isJson(each, depth + 1));
}
