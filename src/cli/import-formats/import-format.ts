import { createHash } from 'node:crypto';
import type { Namespace, NewMemory, Principal } from '../../index';
import type { JsonLine } from '../json-lines';

/** The reason why a value cannot be imported. */
export interface ImportProblem {
  readonly problem: string;
}

/** A format of files to import. */
export interface ImportFormat {
  /** Splits a document into its values. Absent if the input is JSON Lines. */
  readonly readDocument?: (pieces: AsyncIterable<Uint8Array | string>) => AsyncIterable<JsonLine>;
  /** Makes a memory from one value. */
  parse(value: unknown): NewMemory | ImportProblem;
}

/** Where imported memories are stored, and who imports them. */
export interface ImportTarget {
  readonly namespace?: Namespace;
  /** The session for messages that have none. */
  readonly sessionId?: string;
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
