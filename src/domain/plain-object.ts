import { types } from 'node:util';

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
