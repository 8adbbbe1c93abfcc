import { types } from 'node:util';

// A value may come from another realm: Jest runs each test file in a context of its own, with its own `Error`, `Date` and typed
// arrays, while Node's modules and native packages use those of the main context. `instanceof` is false between the two, so this
// file is the only one that uses it for classes of the platform.

/** The fields that every error has. */
export interface AnyError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** Whether a value is an error of any realm. */
export function isError(value: unknown): value is Error & AnyError {
  if (value instanceof Error || types.isNativeError(value)) return true;
  // Classes that inherit from the `Error` of another realm without being made by it, such as `DOMException` and `SqliteError`.
  if (typeof value !== 'object' || value === null) return false;
  const { name, message, stack } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof message === 'string' && typeof stack === 'string';
}

/** Whether a value is an error of any realm with this name. */
export function isErrorNamed(value: unknown, name: string): value is Error & AnyError {
  return isError(value) && value.name === name;
}

/** The message of an error. Of any other thrown value, the value as text. Never throws. */
export function messageOf(thrown: unknown): string {
  if (isError(thrown)) return thrown.message;
  // `String` throws for objects without a prototype.
  return Object(thrown) === thrown ? 'a value that is not an Error was thrown' : String(thrown);
}

/** Whether a value is a `Date` of any realm. It may be an invalid one. */
export function isDate(value: unknown): value is Date {
  return types.isDate(value);
}

/** Whether a value is a `Float32Array` of any realm. */
export function isFloat32Array(value: unknown): value is Float32Array {
  return types.isFloat32Array(value);
}

/** Whether a value is a `Uint8Array` of any realm, such as a `Buffer`. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return types.isUint8Array(value);
}

/** Whether a value is an `AbortSignal` of any realm, or of a library that stands in for it. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (value instanceof AbortSignal) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}

const ownSignals = new WeakMap<AbortSignal, AbortSignal>();

/** The same signal as one of this realm: `AbortSignal.any` and `fetch` reject those of others. */
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
