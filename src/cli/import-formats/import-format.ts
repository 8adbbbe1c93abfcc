import { createHash } from 'node:crypto';
import type { Namespace, NewMemory, Principal } from '../../index';
import type { JsonLine } from '../json-lines';

/** Why a value cannot be imported. */
export interface ImportProblem {
  readonly problem: string;
}

/** A format of imported files. */
export interface ImportFormat {
  /** Splits a document into its values. Absent if the input is JSON Lines. */
  readonly readDocument?: (pieces: AsyncIterable<Uint8Array | string>) => AsyncIterable<JsonLine>;
  /** Makes a memory from one value. */
  parse(value: unknown): NewMemory | ImportProblem;
}

/** Where imported memories go, and who imports them. */
export interface ImportTarget {
  readonly namespace?: Namespace;
  /** The session of messages that have none. */
  readonly sessionId?: string;
  /** Undefined for the host. */
  readonly principal: Principal | undefined;
}

/** A JSON object of another program. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object and not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of a field; undefined if it is empty or not a string. */
export function textField(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Converts a time of another program to ISO 8601. PostgreSQL writes a space in the middle and zones of two digits; Python and
 * PostgreSQL may leave out the zone of UTC. Other texts are returned unchanged, so that the store rejects them.
 */
export function isoTime(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const { day, time, zone } =
    /^(?<day>\d{4}-\d\d-\d\d)[T ](?<time>\d\d:\d\d:\d\d(?:\.\d+)?)(?<zone>Z|[+-]\d\d(?::?\d\d)?)?$/.exec(String(value))
      ?.groups ?? {};
  if (day === undefined) return String(value);
  return `${day}T${time}${zone === undefined ? 'Z' : zone.length === 3 ? `${zone}:00` : zone}`;
}

/** An idempotency key made from the content of a value, so that importing it again stores nothing new. */
export function contentKey(format: string, ...parts: readonly unknown[]): string {
  return `${format}:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
