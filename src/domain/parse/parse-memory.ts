import { z } from 'zod';
import type { LabelChange } from '../command';
import { defined } from '../defined';
import { type Issue, maxIssues } from '../errors';
import type { Metadata } from '../json';
import type { Limits } from '../limits';
import { memoryKinds, sourceChannels } from '../memory';
import { describeValue, isPlainObject } from '../realms';
import { trustLevels } from '../trust';
import {
  addIssue,
  exactName,
  expected,
  fields,
  flag,
  list,
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
  wellFormedCopy,
} from './shapes';

/** The maximum nesting depth of metadata. JSON.parse and SQLite accept more, but no application needs more. */
const maxJsonDepth = 64;

/** A memory made from more is made in several steps. */
const maxSources = 256;

const visibility = oneOf(['shared', 'private']);

function metadata({ metadataBytes }: Limits) {
  return z.unknown().transform((value, ctx): Metadata => {
    const issues = isPlainObject(value)
      ? jsonIssues(value, metadataBytes)
      : [{ path: [], message: expected('an object')({ input: value }) }];
    for (const { path, message } of issues) addIssue(ctx, message, value, path);
    if (issues.length > 0) return z.NEVER;
    // The metadata is copied, so that later changes to the caller's object do not affect the store.
    const copy = wellFormedCopy(value as Metadata);
    const bytes = Buffer.byteLength(JSON.stringify(copy));
    if (bytes > metadataBytes) addIssue(ctx, `expected at most ${metadataBytes} bytes as JSON, got ${bytes}.`, value);
    return copy;
  });
}

/**
 * Lists an issue for each place in a value that is not valid JSON data, up to the number that an error lists. If the value is longer than
 * `maxBytes`, returns one issue about this.
 */
export function jsonIssues(value: unknown, maxBytes: number, path: Issue['path'] = []): Issue[] {
  const check = new JsonCheck(maxBytes);
  check.add(value, path, []);
  if (!check.isTooLong) return check.issues;
  return [{ path, message: `expected at most ${maxBytes} bytes as JSON, got more.` }];
}

/**
 * Checks a value, and stops as soon as it is certainly too long. An object that occurs twice is checked twice, because JSON would repeat
 * it. Without the limit, objects that occur several times in each other could take forever.
 */
class JsonCheck {
  readonly issues: Issue[] = [];
  readonly #maxBytes: number;
  /** A lower bound for the length in JSON. It starts at -1, because the outermost value has no comma after it. */
  #bytes = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isTooLong(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  add(value: unknown, path: Issue['path'], ancestors: readonly object[]): void {
    // Every value takes at least one byte, and one more for the comma or bracket after it.
    this.#bytes += typeof value === 'string' ? value.length + 2 : 2;
    if (this.isTooLong || this.issues.length >= maxIssues) return;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
    if (typeof value === 'object') this.#addObject(value, path, ancestors);
    else if (typeof value !== 'number') this.#addIssue(path, `a JSON value, got ${describeValue(value)}`);
    else if (!Number.isFinite(value)) this.#addIssue(path, `a JSON value, got ${value}`);
  }

  #addObject(value: object, path: Issue['path'], ancestors: readonly object[]): void {
    if (ancestors.includes(value)) this.#addIssue(path, 'a JSON value, got an object that contains itself');
    else if (ancestors.length >= maxJsonDepth)
      this.#addIssue(path, `at most ${maxJsonDepth} levels of nesting, got more`);
    else if (!Array.isArray(value) && !isPlainObject(value))
      this.#addIssue(path, `a JSON value, got ${describeValue(value)}`);
    else this.#addEntries(value, path, [...ancestors, value]);
  }

  #addEntries(value: object, path: Issue['path'], inside: readonly object[]): void {
    const isArray = Array.isArray(value);
    // An array may have a huge length although it is almost empty.
    if (isArray && value.length > this.#maxBytes) this.#bytes = Number.POSITIVE_INFINITY;
    if (!isArray && hasKeysThatBecomeEqual(value))
      this.#addIssue(path, 'keys of valid Unicode, got two that differ only in half surrogate pairs');
    for (const [key, each] of isArray ? value.entries() : Object.entries(value)) {
      if (this.isTooLong || this.issues.length >= maxIssues) return;
      if (typeof key === 'string') this.#bytes += key.length + 3;
      this.add(each, [...path, key], inside);
    }
  }

  #addIssue(path: Issue['path'], expectedAndGot: string): void {
    this.issues.push({ path, message: `expected ${expectedAndGot}.` });
  }
}

/** Checks whether two keys become equal when halves of surrogate pairs are replaced with U+FFFD. One of the values would be lost. */
function hasKeysThatBecomeEqual(value: object): boolean {
  const keys = Object.keys(value);
  return keys.some((key) => !key.isWellFormed()) && new Set(keys.map((key) => key.toWellFormed())).size < keys.length;
}

/** Schemas for the fields that `remember` sets and `update` can change. */
function contentShapes(limits: Limits) {
  return {
    kind: oneOf(memoryKinds).optional(),
    tags: names(limits).optional(),
    priority: unitInterval.optional(),
    pinned: flag.optional(),
    metadata: metadata(limits).optional(),
    validFrom: time.optional(),
    validTo: time.optional(),
    expiresAt: time.optional(),
  };
}

/** Makes the schema for the input of `remember`. The parsed form has times in epoch milliseconds and a copy of the metadata. */
export function newMemoryShape(limits: Limits) {
  const source = fields({ channel: oneOf(sourceChannels), ref: exactName(limits).optional() });
  return fields({
    text: text(limits),
    ...contentShapes(limits),
    namespace: namespace(limits).optional(),
    // `present` rejects undefined, so that a variable that is undefined by mistake cannot make a private memory readable for all.
    visibility: present(visibility),
    accessTags: present(names(limits)),
    userId: name(limits).optional(),
    sessionId: name(limits).optional(),
    source: source.optional(),
    supersedes: exactName(limits).optional(),
    derivedFrom: list(exactName(limits), 'an array of ids', [maxSources, 'ids']).optional(),
    maxTrust: oneOf(trustLevels).optional(),
    key: name(limits).optional(),
    idempotencyKey: name(limits).optional(),
    vector: vector.optional(),
    embed: z.literal(false, { error: expected('false or no value') }).optional(),
    signal: signal.optional(),
  });
}

export type ParsedMemory = z.output<ReturnType<typeof newMemoryShape>>;

/** Makes the schema for the patch of `update`. `null` resets a field to its default. */
export function patchShape(limits: Limits) {
  const shapes = contentShapes(limits);
  return fields({
    text: text(limits).optional(),
    kind: shapes.kind.nullable(),
    tags: shapes.tags.nullable(),
    priority: shapes.priority.nullable(),
    pinned: shapes.pinned.nullable(),
    metadata: z.nullable(metadata(limits)).optional(),
    validFrom: z.nullable(time).optional(),
    validTo: z.nullable(time).optional(),
    expiresAt: z.nullable(time).optional(),
  }).check(changesSomething);
}

export type ParsedPatch = z.output<ReturnType<typeof patchShape>>;

/** Makes the schema for the change of `share`. */
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
