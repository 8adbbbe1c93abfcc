import { createHash } from 'node:crypto';
import { parse } from 'node:path';
import type { Namespace, NewMemory, Principal } from '../../index';
import type { JsonLine } from '../json-lines';

/** The reason why a value cannot be imported. */
export interface ImportProblem {
  readonly problem: string;
}

/** A format of files to import. */
export interface ImportFormat {
  /** Splits a document into its values. `file` is its path, if it has one. Absent if the input is JSON Lines. */
  readonly readDocument?: (pieces: AsyncIterable<Uint8Array | string>, file?: string) => AsyncIterable<JsonLine>;
  /** Makes a memory from one value. */
  parse(value: unknown): NewMemory | ImportProblem;
}

/** Which part of a date comes first. */
export type DateOrder = 'day' | 'month';

/** Where imported memories are stored, and who imports them. */
export interface ImportTarget {
  readonly namespace?: Namespace;
  /** The session for messages that have none. */
  readonly sessionId?: string;
  /** The column or field that holds the text, for formats that do not know it. */
  readonly textField?: string;
  /** Whether a date such as 03/04/2025 starts with the day or with the month, for formats that do not say it. */
  readonly dateOrder?: DateOrder;
  /** The principal that imports. Undefined for the host. */
  readonly principal: Principal | undefined;
}

/** A JSON object from another program. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is an object and not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the text of a field, or undefined if it is empty or not a string. */
export function textField(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Converts a time from another program to ISO 8601. PostgreSQL writes a space in the middle, and time zones with two digits. Python
 * and PostgreSQL may omit the time zone if it is UTC. Any other text is returned unchanged, so that the store rejects it.
 */
export function isoTime(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  // An object of JSON may have a field `toString`, which is no function.
  if (typeof value === 'object') return JSON.stringify(value);
  const { day, time, zone } =
    /^(?<day>\d{4}-\d\d-\d\d)[T ](?<time>\d\d:\d\d:\d\d(?:\.\d+)?)(?<zone>Z|[+-]\d\d(?::?\d\d)?)?$/.exec(String(value))
      ?.groups ?? {};
  if (day === undefined) return String(value);
  return `${day}T${time}${zone === undefined ? 'Z' : zone.length === 3 ? `${zone}:00` : zone}`;
}

/** Makes an idempotency key from the content of a value, so that importing the value again stores nothing new. */
export function contentKey(format: string, ...parts: readonly unknown[]): string {
  return `${format}:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** A source of numbers that tell equal values of a file apart: 0 for the first one, 1 for the next. */
export function occurrenceCounter(): (...content: readonly unknown[]) => number {
  const counts = new Map<string, number>();
  return (...content) => {
    const key = contentKey('', ...content);
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return count;
  };
}

/** The time of a number of seconds since 1970, as ISO 8601; undefined for anything else. */
export function epochTime(seconds: unknown): string | undefined {
  return typeof seconds === 'number' ? epochMillisecondsTime(seconds * 1_000) : undefined;
}

/** The time of a number of milliseconds since 1970, as ISO 8601; undefined for a number that no date can have. */
export function epochMillisecondsTime(milliseconds: number): string | undefined {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** The problem of a value with which a format could not deal. Its message may quote the value, so only its kind is named. */
export function unexpectedValue(error: unknown): ImportProblem {
  const { name } = Object(error) as { readonly name?: unknown };
  const kind = typeof name === 'string' ? name : 'unknown error';
  return { problem: `not a value that this format can read (${kind}).` };
}

/** The name of a file without folders and extension. */
export function fileTitle(file: string | undefined): string | undefined {
  return file === undefined ? undefined : parse(file).name;
}
