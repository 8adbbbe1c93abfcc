import { types } from 'node:util';

// A value may come from another realm (a separate set of global classes). For example, Jest runs each test file in its own context with its
// own `Error`, `Date` and typed arrays, but Node's modules and native packages use the classes of the main context. `instanceof` returns
// false for a class from another realm. Therefore only this file uses it for classes of the platform.

/** The fields that every error has. */
export interface AnyError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** Checks whether a value is an error from any realm. */
export function isError(value: unknown): value is Error & AnyError {
  if (value instanceof Error || types.isNativeError(value)) return true;
  // This finds instances of classes that inherit from another realm's `Error`, such as `DOMException` and `SqliteError`.
  if (typeof value !== 'object' || value === null) return false;
  const { name, message, stack } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof message === 'string' && typeof stack === 'string';
}

/** Checks whether a value is an error from any realm and has this name. */
export function isErrorNamed(value: unknown, name: string): value is Error & AnyError {
  return isError(value) && value.name === name;
}

/** Returns the message of an error. Converts any other thrown value to text. Never throws. */
export function messageOf(thrown: unknown): string {
  if (isError(thrown)) return thrown.message;
  // Objects are not converted, because `String` throws for an object without a prototype.
  return Object(thrown) === thrown ? 'a value that is not an Error was thrown' : String(thrown);
}

/** Checks whether a value is a `Date` from any realm. The date may be invalid. */
export function isDate(value: unknown): value is Date {
  return types.isDate(value);
}

/** Checks whether a value is a `Float32Array` from any realm. */
export function isFloat32Array(value: unknown): value is Float32Array {
  return types.isFloat32Array(value);
}

/** Checks whether a value is a `Uint8Array` from any realm, such as a `Buffer`. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return types.isUint8Array(value);
}

/** Checks whether a value is an `AbortSignal` from any realm, or from a library that replaces this class. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (value instanceof AbortSignal) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}

const ownSignals = new WeakMap<AbortSignal, AbortSignal>();

/** Converts a signal to one from this realm, because `AbortSignal.any` and `fetch` reject signals from other realms. */
export function ownSignal(signal: AbortSignal): AbortSignal {
  if ((signal as object) instanceof AbortSignal) return signal;
  const known = ownSignals.get(signal);
  if (known !== undefined) return known;
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  ownSignals.set(signal, controller.signal);
  return controller.signal;
}

/**
 * Checks whether a value is a plain object, which has only fields. Its prototype is null or an `Object.prototype`, also that of another
 * realm (a separate set of global objects, as test runners use).
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === null || prototype === Object.prototype || isObjectPrototype(prototype);
  // `arguments`, `JSON` and `Math` have the same prototype but are not plain. A module has no prototype; its exports are its fields.
  return isPlain && plainTags.has(Object.prototype.toString.call(value));
}

const plainTags: ReadonlySet<string> = new Set(['[object Object]', '[object Module]']);

/** Checks whether an object is the `Object.prototype` of another realm. */
function isObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** Describes a value for messages: a number or a boolean by its value, everything else by its type. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'an array';
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date';
  if (types.isPromise(value)) return 'a promise, so an `await` may be missing';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return isPlainObject(value) ? 'an object' : 'an instance of a class';
}
