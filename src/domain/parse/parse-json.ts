import type { Issue } from '../errors';
import type { Json } from '../json';

type Path = readonly (string | number)[];

// JSON.parse and SQLite both take more; nobody reads it.
const maxDepth = 64;

/** Why a value is not JSON, at each place where it is not. */
export function jsonIssues(value: unknown, path: Path = [], ancestors: readonly object[] = []): Issue[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') {
    return Number.isFinite(value) ? [] : [{ path, message: `is ${value}, which JSON cannot hold.` }];
  }
  if (typeof value !== 'object') return [{ path, message: `is ${described(value)}, which JSON cannot hold.` }];
  if (ancestors.includes(value)) return [{ path, message: 'holds itself, which JSON cannot.' }];
  if (ancestors.length >= maxDepth) return [{ path, message: `is nested deeper than ${maxDepth} levels.` }];
  const inside = [...ancestors, value];
  // Array.from, because flatMap passes over holes.
  if (Array.isArray(value)) return Array.from(value).flatMap((each, i) => jsonIssues(each, [...path, i], inside));
  if (!isPlain(value))
    return [{ path, message: 'is an instance of a class, which JSON cannot hold: store plain data.' }];
  return Object.entries(value).flatMap(([key, each]) => jsonIssues(each, [...path, key], inside));
}

/** Whether an object is plain data, and neither a list nor an instance of some class. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** A copy, field by field: neither a `toJSON` nor a later change of the original has any part in it. */
export function copiedJson<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => copiedJson(each)) as unknown as T;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copiedJson(each)])) as T;
}

function described(value: unknown): string {
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}
