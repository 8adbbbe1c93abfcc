import { createHash } from 'node:crypto';
import type { Namespace, NewMemory, Principal } from '../../index';
import type { JsonLine } from '../lines';

/** Why something cannot be imported. */
export interface Problem {
  readonly problem: string;
}

/** How one kind of file is read. */
export interface Format {
  /** Takes a document apart into what it holds; absent where that is JSON Lines. */
  readonly document?: (pieces: AsyncIterable<Uint8Array | string>) => AsyncIterable<JsonLine>;
  /** Makes a memory of one of them. */
  memory(value: unknown): NewMemory | Problem;
}

/** What the command line says of where memories go. */
export interface Target {
  readonly namespace?: Namespace;
  /** The session of messages that name none. */
  readonly sessionId?: string;
  /** Who imports; absent for the host. */
  readonly principal: Principal | undefined;
}

/** An object of a foreign file. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is an object, and no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of a field, where it is one and says something. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * A moment as other programs write it, in the form that a store takes: PostgreSQL has a blank in the middle and zones of two
 * digits; Python and PostgreSQL may leave the zone away where it is UTC. Anything else stays as it is, to be refused.
 */
export function momentOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const { day, time, zone } =
    /^(?<day>\d{4}-\d\d-\d\d)[T ](?<time>\d\d:\d\d:\d\d(?:\.\d+)?)(?<zone>Z|[+-]\d\d(?::?\d\d)?)?$/.exec(String(value))
      ?.groups ?? {};
  if (day === undefined) return String(value);
  return `${day}T${time}${zone === undefined ? 'Z' : zone.length === 3 ? `${zone}:00` : zone}`;
}

/** Names what is imported by what it is: the same again is the same. */
export function fingerprint(format: string, ...parts: readonly unknown[]): string {
  return `${format}:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** Only the fields that are there. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
