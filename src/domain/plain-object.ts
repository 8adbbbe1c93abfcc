import { types } from 'node:util';

/** Whether a value is an object that only holds fields: its prototype is null, or the `Object.prototype` of some realm. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === null || prototype === Object.prototype || isObjectPrototype(prototype);
  // `arguments`, `JSON` and `Math` have that prototype too. A module has none, and its exports are its fields.
  return isPlain && plainTags.has(Object.prototype.toString.call(value));
}

const plainTags: ReadonlySet<string> = new Set(['[object Object]', '[object Module]']);

/** Whether an object is the `Object.prototype` of another realm, such as that of a test runner. */
function isObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** A value as messages show it: numbers and booleans as they are, everything else by its type. */
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
