import { types } from 'node:util';
import { defined } from '../domain/defined';
import { type ErrorCode, type ExceededQuota, type Issue, MemoryError } from '../domain/errors';
import { isAbortSignal, isDate, isError, isFloat32Array, isPlainObject, ownSignal } from '../domain/realms';
import { ProtocolError } from './frames';

type Key = string | number;

/**
 * The type of a value that JSON cannot represent, and the path to it: `d` a Date, `f` a Float32Array, `u` undefined, `n` a number such
 * as NaN, `b` a bigint, `y` a symbol, `x` a function, `w` a promise, `o` an instance of another class, `c` an object that contains
 * itself, `s` the signal in the call's options, and `p` the progress listener in the call's options.
 */
type Mark = readonly [
  path: readonly Key[],
  kind: 'd' | 'f' | 'u' | 'n' | 'b' | 'y' | 'x' | 'w' | 'o' | 'c' | 's' | 'p',
  data?: unknown,
];

/**
 * A value in JSON, with marks for the values that JSON cannot represent. A function or an instance of a class is never valid in a call.
 * It is decoded to a value that is also invalid, so the serving process reports the error. V8's serialization is not used, because it
 * is not faster and its format differs between Node releases.
 */
export type Encoded = readonly [json: unknown, marks: readonly Mark[]];

/** Options of a call that stay in the calling process. */
export interface LocalOptions {
  signal?: AbortSignal;
  onProgress?: (progress: unknown) => void;
}

interface Step {
  readonly up: Step | undefined;
  readonly key: Key;
  readonly value: object;
}

// Every value that a store accepts is less deep than this.
const maxDepth = 200;

/** Encodes a copy of a value. Moves a signal and a progress listener from the value into `local`. */
export function encodeValue(value: unknown, local: LocalOptions = {}): Encoded {
  const marks: Mark[] = [];
  return [new Encoder(marks, local).encode(value, undefined, ''), marks];
}

class Encoder {
  readonly #marks: Mark[];
  readonly #local: LocalOptions;

  constructor(marks: Mark[], local: LocalOptions) {
    this.#marks = marks;
    this.#local = local;
  }

  encode(value: unknown, up: Step | undefined, key: Key): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : this.#mark('n', up, key, numberAsText(value));
      case 'object':
        return value === null ? null : this.#encodeObject(value, up, key);
      case 'undefined':
        return this.#mark('u', up, key);
      case 'bigint':
        return this.#mark('b', up, key, String(value));
      case 'symbol':
        return this.#mark('y', up, key, value.description);
      case 'function':
        if (key !== 'onProgress') return this.#mark('x', up, key);
        this.#local.onProgress = value as (progress: unknown) => void;
        return this.#mark('p', up, key);
    }
  }

  #encodeObject(value: object, up: Step | undefined, key: Key): unknown {
    if (isDate(value)) return this.#mark('d', up, key, Number.isNaN(value.getTime()) ? null : value.getTime());
    if (isFloat32Array(value)) return this.#mark('f', up, key, bytesOf(value).toString('base64'));
    if (isAbortSignal(value)) {
      this.#local.signal = ownSignal(value);
      return this.#mark('s', up, key);
    }
    let depth = 0;
    for (let step = up; step !== undefined; step = step.up) {
      depth++;
      if (step.value === value) return this.#mark('c', up, key, pathTo(step.up, step.key));
    }
    if (depth > maxDepth) return this.#mark('o', up, key);
    const here = { up, key, value };
    if (Array.isArray(value)) return this.#encodeList(value, here);
    if (isPlainObject(value)) return this.#encodeFields(value, here);
    return types.isPromise(value) ? this.#mark('w', up, key) : this.#mark('o', up, key);
  }

  // Each object is copied before it is encoded, because a getter could return a different value each time.

  #encodeList(list: readonly unknown[], here: Step): unknown {
    const encoded = [...list];
    for (let i = 0; i < encoded.length; i++) encoded[i] = this.encode(encoded[i], here, i);
    return encoded;
  }

  #encodeFields(value: object, here: Step): unknown {
    const encoded: Record<string, unknown> = { ...value };
    for (const key of Object.keys(encoded)) {
      const field = encoded[key];
      const encodedField = this.encode(field, here, key);
      if (encodedField !== field) encoded[key] = encodedField;
    }
    return encoded;
  }

  #mark(kind: Mark[1], up: Step | undefined, key: Key, data?: unknown): null {
    const path = pathTo(up, key);
    this.#marks.push(data === undefined ? [path, kind] : [path, kind, data]);
    return null;
  }
}

/**
 * Decodes a value. Uses the signal and progress listener in `local` instead of the caller's.
 *
 * @throws ProtocolError if the value was not made by `encodeValue`
 */
export function decodeValue([json, marks]: Encoded, local: LocalOptions = {}): unknown {
  const root = { value: json };
  for (const mark of marks) {
    const [path, kind, data] = checkedMark(mark);
    let parent: object = root;
    let key: Key = 'value';
    for (const step of path) {
      parent = ownField(parent, key) as object;
      key = step;
    }
    ownField(parent, key);
    const value = kind === 'c' ? ancestorAt(root, path, data) : decodeMark(kind, data, local);
    (parent as Record<Key, unknown>)[key] = value;
  }
  return root.value;
}

/** Copies a value by encoding and decoding it, as a connection does. Unlike `structuredClone`, it accepts every value. */
export function copyValue<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

/** Replaces an instance of a class, which no call accepts. */
class ForeignObject {}

const isKey = (step: unknown) => typeof step === 'string' || typeof step === 'number';

function checkedMark(mark: unknown): Mark {
  if (!Array.isArray(mark) || !Array.isArray(mark[0]) || !mark[0].every(isKey)) throw malformedMark();
  return mark as unknown as Mark;
}

// No call accepts a bigint, so long ones need not be decoded. Parsing a very long one would take seconds.
const maxBigintDigits = 1_000;

function decodeMark(kind: Mark[1], data: unknown, local: LocalOptions): unknown {
  switch (kind) {
    case 'd':
      return new Date(data === undefined || data === null ? Number.NaN : checkedData(data, 'number'));
    case 'f':
      return vectorFrom(checkedData(data, 'string'));
    case 'n':
      return Number(checkedData(data, 'string'));
    case 'b':
      return bigintFrom(checkedData(data, 'string'));
    case 'y':
      return Symbol(data === undefined ? undefined : checkedData(data, 'string'));
    case 'x':
      return () => undefined;
    case 'w':
      return Promise.resolve();
    case 'o':
      return new ForeignObject();
    case 's':
      return local.signal;
    case 'p':
      return local.onProgress;
    case 'u':
      return undefined;
    default:
      throw malformedMark();
  }
}

function checkedData(data: unknown, type: 'number'): number;
function checkedData(data: unknown, type: 'string'): string;
function checkedData(data: unknown, type: 'number' | 'string'): unknown {
  if (typeof data !== type) throw malformedMark();
  return data;
}

function bigintFrom(digits: string): bigint {
  if (digits.length > maxBigintDigits) return 0n;
  if (!/^-?\d+$/.test(digits)) throw malformedMark();
  return BigInt(digits);
}

/**
 * Finds the object at a path. The object must contain the marked place. Otherwise a malicious message could use one object in many
 * places, and such a value can take exponential time to read.
 */
function ancestorAt(root: { value: unknown }, place: readonly Key[], data: unknown): unknown {
  const isAncestor = Array.isArray(data) && data.length < place.length && data.every((step, i) => step === place[i]);
  if (!isAncestor) throw malformedMark();
  let found = root.value;
  for (const step of data as Key[]) found = ownField(found, step);
  return found;
}

/**
 * Reads a field of an object or an item of a list. It never reads from the prototype, which a malicious mark could then change for all
 * objects. It never reads the length of a list, which a mark could then set to four billion.
 */
function ownField(parent: unknown, key: Key): unknown {
  const isField = !Array.isArray(parent) || (Number.isSafeInteger(key) && (key as number) >= 0);
  if (isField && typeof parent === 'object' && parent !== null && Object.hasOwn(parent, key)) {
    return (parent as Record<Key, unknown>)[key];
  }
  throw new ProtocolError('A type mark names a path that does not exist in the value.');
}

function malformedMark(): ProtocolError {
  return new ProtocolError('A type mark is malformed.');
}

function pathTo(up: Step | undefined, key: Key): Key[] {
  if (up === undefined) return [];
  const path: Key[] = [key];
  for (let step = up; step.up !== undefined; step = step.up) path.push(step.key);
  return path.reverse();
}

function numberAsText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function vectorFrom(base64: string): Float32Array {
  const length = Buffer.byteLength(base64, 'base64') / Float32Array.BYTES_PER_ELEMENT;
  if (!Number.isInteger(length)) throw malformedMark();
  const vector = new Float32Array(length);
  bytesOf(vector).write(base64, 'base64');
  return vector;
}

/** An encoded error. It has no stack, because the stack would only make sense in the process that threw the error. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  /** `code`, `retryable` and `issues` are present for a MemoryError, and `quota` for some. */
  readonly code?: ErrorCode;
  readonly retryable?: boolean;
  readonly issues?: readonly Issue[];
  readonly quota?: ExceededQuota;
  readonly cause?: EncodedError;
}

// The limit is needed because an error may be its own cause. Deeper causes would not help a reader of a log.
const maxCauses = 4;

export function encodeError(error: unknown, causes = maxCauses): EncodedError {
  if (!isError(error) && !MemoryError.is(error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  const encodedCause = cause === undefined || causes === 0 ? {} : { cause: encodeError(cause, causes - 1) };
  if (!MemoryError.is(error)) return { name, message, ...encodedCause };
  const { code, retryable, issues, quota } = error;
  return { name, message, code, retryable, issues, ...defined({ quota }), ...encodedCause };
}

/** Decodes an error. The result is the error that the call would have thrown in the same process. */
export function decodeError({ name, message, code, retryable, issues, quota, cause }: EncodedError): Error {
  const options = cause === undefined ? {} : { cause: decodeError(cause) };
  if (code !== undefined) {
    return new MemoryError(code, message, { retryable: retryable ?? false, issues: issues ?? [], quota, ...options });
  }
  const error = new Error(message, options);
  if (name !== 'Error') Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  return error;
}
