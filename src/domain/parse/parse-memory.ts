import { z } from 'zod';
import type { LabelChange } from '../command';
import { defined } from '../defined';
import type { Issue } from '../errors';
import type { Json, Metadata } from '../json';
import type { Limits } from '../limits';
import { memoryKinds, sourceChannels } from '../memory';
import { describeValue, isPlainObject } from '../plain-object';
import {
  addIssue,
  expected,
  fields,
  name,
  names,
  namespace,
  oneOf,
  present,
  signal,
  text,
  time,
  unitInterval,
  vector,
} from './shapes';

/** Deeper metadata is rejected. JSON.parse and SQLite accept more, but no reader needs more. */
const maxJsonDepth = 64;

const visibility = oneOf(['shared', 'private']);

function metadata({ metadataBytes }: Limits) {
  return z.unknown().transform((value, ctx): Metadata => {
    const issues = isPlainObject(value)
      ? jsonIssues(value)
      : [{ path: [], message: expected('an object')({ input: value }) }];
    for (const { path, message } of issues) addIssue(ctx, message, value, path);
    if (issues.length > 0) return z.NEVER;
    // A copy, so that a later change of the caller's object does not reach the store.
    const copy = copiedJson(value as Metadata);
    const bytes = Buffer.byteLength(JSON.stringify(copy));
    if (bytes > metadataBytes) addIssue(ctx, `expected at most ${metadataBytes} bytes as JSON, got ${bytes}.`, value);
    return copy;
  });
}

/** Every place in a value that is not JSON. */
export function jsonIssues(value: unknown, path: Issue['path'] = [], ancestors: readonly object[] = []): Issue[] {
  const issue = (got: string): Issue[] => [{ path, message: `expected a JSON value, got ${got}.` }];
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : issue(String(value));
  if (typeof value !== 'object') return issue(describeValue(value));
  if (ancestors.includes(value)) return issue('an object that contains itself');
  if (ancestors.length >= maxJsonDepth)
    return [{ path, message: `expected at most ${maxJsonDepth} levels of nesting, got more.` }];
  const inside = [...ancestors, value];
  // `flatMap` skips holes; `Array.from` makes them undefined.
  if (Array.isArray(value)) return Array.from(value).flatMap((each, i) => jsonIssues(each, [...path, i], inside));
  if (!isPlainObject(value)) return issue(describeValue(value));
  return Object.entries(value).flatMap(([key, each]) => jsonIssues(each, [...path, key], inside));
}

/** A deep copy. It ignores `toJSON` methods. */
function copiedJson<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => copiedJson(each)) as unknown as T;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copiedJson(each)])) as T;
}

/** The fields that `remember` sets and `update` can change. */
function contentShapes(limits: Limits) {
  return {
    kind: oneOf(memoryKinds).optional(),
    tags: names(limits).optional(),
    priority: unitInterval.optional(),
    metadata: metadata(limits).optional(),
    validFrom: time.optional(),
    validTo: time.optional(),
    expiresAt: time.optional(),
  };
}

/** The input of `remember`. Its parsed form has times as epoch milliseconds and a copy of the metadata. */
export function newMemoryShape(limits: Limits) {
  const source = fields({ channel: oneOf(sourceChannels), ref: name(limits).optional() });
  return fields({
    text: text(limits),
    ...contentShapes(limits),
    namespace: namespace(limits).optional(),
    // `present`: a lost variable must not make a private memory readable to all.
    visibility: present(visibility),
    accessTags: present(names(limits)),
    userId: name(limits).optional(),
    sessionId: name(limits).optional(),
    source: source.optional(),
    supersedes: name(limits).optional(),
    key: name(limits).optional(),
    idempotencyKey: name(limits).optional(),
    vector: vector.optional(),
    embed: z.literal(false, { error: expected('false or no value') }).optional(),
    signal: signal.optional(),
  });
}

export type ParsedMemory = z.output<ReturnType<typeof newMemoryShape>>;

/** The patch of `update`. `null` sets a field back to its default. */
export function patchShape(limits: Limits) {
  const shapes = contentShapes(limits);
  return fields({
    text: text(limits).optional(),
    kind: shapes.kind.nullable(),
    tags: shapes.tags.nullable(),
    priority: shapes.priority.nullable(),
    metadata: z.nullable(metadata(limits)).optional(),
    validFrom: z.union([z.null(), time]).optional(),
    validTo: z.union([z.null(), time]).optional(),
    expiresAt: z.union([z.null(), time]).optional(),
  }).check(changesSomething);
}

export type ParsedPatch = z.output<ReturnType<typeof patchShape>>;

/** The change of `share`. */
export function labelChangeShape(limits: Limits) {
  return fields({
    visibility: present(visibility),
    namespace: present(namespace(limits)),
    accessTags: present(names(limits)),
  })
    .check(changesSomething)
    .transform((change): LabelChange => defined(change));
}

function changesSomething(ctx: { value: object; issues: unknown[] }): void {
  if (Object.values(ctx.value).every((value) => value === undefined))
    addIssue(ctx, 'expected at least one field to change, got none.', ctx.value);
}
