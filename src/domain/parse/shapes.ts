import { types } from 'node:util';
import { z } from 'zod';
import type { Progress } from '../calls';
import { cutToChars, type Issue, invalidInput, maxIssues } from '../errors';
import { readFolder } from '../folder-path';
import type { Json } from '../json';
import type { Limits } from '../limits';
import { hiddenIssue, normalName } from '../names';
import { describeValue, isAbortSignal, isFloat32Array, isPlainObject, ownSignal } from '../realms';
import { type Action, actions } from '../rule';
import { suggestionFor } from '../suggestion';

/** In messages about choices and times, strings up to this length are quoted. */
const maxQuotedLength = 40;
/** In messages, unknown words from the input are cut to this length. */
const maxWordLength = 64;

/** Accepts only a plain object. A promise or a Map has no fields of its own, so as a scope it would wrongly mean the whole store. */
export const plainObject = z.unknown().check((ctx) => {
  if (isPlainObject(ctx.value)) return;
  const message = expected('an object')({ input: ctx.value });
  ctx.issues.push({ code: 'custom', message, input: ctx.value, continue: false });
});

/** Accepts a plain object with only these fields. The issue for an unknown field suggests the known field that is meant. */
export function fields<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape);
  const object = z.strictObject(shape, {
    // The message has one line for each key. `issuesOf` makes one issue from each line.
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? firstOf(issue.keys as string[])
            .map((key) => unknownField(key, known))
            .join('\n')
        : undefined,
  });
  return plainObject.pipe(object);
}

/** Makes the message for a field, operator, action, role or group that does not exist. */
export function unknownField(key: string, known: readonly string[], what = 'field'): string {
  const word = cutToChars(key, maxWordLength);
  const suggested = suggestionFor(word, known);
  const question = suggested === undefined ? '.' : `, did you mean ${JSON.stringify(suggested)}?`;
  return `unknown ${what} ${JSON.stringify(word)}${question} Known ${what}s: ${known.join(', ')}.`;
}

/**
 * Makes the message for an issue, such as "expected an integer from 1 to 1000, got 0." Strings are described only by their type, because
 * they may be the text of a memory or a secret.
 */
export function expected(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => `expected ${what}, got ${describeValue(input)}.`;
}

/** Like `expected`, but for a choice or a time. It quotes a short string. */
function expectedOf(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    const isShort = typeof input === 'string' && input.length <= maxQuotedLength;
    return `expected ${what}, got ${isShort ? JSON.stringify(input) : describeValue(input)}.`;
  };
}

/** Adds an issue to the result of a check or a transformation. */
export function addIssue(
  ctx: { issues: unknown[] },
  message: string,
  input: unknown,
  path: readonly PropertyKey[] = [],
) {
  ctx.issues.push({ code: 'custom', message, path: [...path], input });
}

/** Accepts one of these strings. */
export function oneOf<const T extends readonly [string, ...string[]]>(choices: T) {
  const quoted = choices.map((choice) => JSON.stringify(choice));
  const what = quoted.length === 1 ? quoted[0] : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
  return z.enum(choices, { error: expectedOf(`${what}`) });
}

/** Accepts an integer from `min` to `max`, or without an upper limit. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`;
  return z.custom<number>(
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    {
      error: expected(range),
    },
  );
}

/** In UTF-8, no text is more than three times as long as its NFC: https://unicode.org/faq/normalization.html */
const maxShrinking = 3;

/**
 * Accepts a name: a label of a namespace, a tag, a key, or the id of a principal, a session, a role or a group. Converts it to its normal form
 * (NFC), so that the forms of one text are equal, on writes and on reads. Rejects hidden characters, and half surrogate pairs,
 * because in UTF-8 different names would become equal.
 */
export function name(limits: Limits) {
  const shape = z.string({ error: expected('a string') }).check((ctx) => {
    // A name that is too long in every form is not read any further.
    const isTooLong = ctx.value.length > limits.nameBytes * maxShrinking;
    addNameIssues(ctx, isTooLong ? ctx.value : normalName(ctx.value), limits);
    if (isTooLong) return;
    const message = hiddenIssue(ctx.value);
    if (message !== undefined) addIssue(ctx, message, ctx.value);
  });
  return shape.transform(normalName);
}

/**
 * Accepts a name whose characters stay as they are: the id of a memory or a rule, which the store has made, or the address of something
 * outside the store, such as a path or a URL.
 */
export function exactName(limits: Limits) {
  return z.string({ error: expected('a string') }).check((ctx) => addNameIssues(ctx, ctx.value, limits));
}

function addNameIssues(ctx: { issues: unknown[] }, value: string, { nameBytes }: Limits): void {
  const bytes = Buffer.byteLength(value);
  if (value === '') addIssue(ctx, expected('a non-empty string')({ input: '' }), value);
  else if (!value.isWellFormed()) addIssue(ctx, 'expected valid Unicode, got half of a surrogate pair.', value);
  else if (bytes > nameBytes) addIssue(ctx, `expected at most ${nameBytes} bytes, got ${bytes}.`, value);
}

/** Accepts a text that is not blank and within the limit. Replaces half surrogate pairs with U+FFFD, because model providers reject them. */
export function text({ textBytes }: Limits) {
  const shape = z.string({ error: expected('a string') }).check((ctx) => {
    const bytes = Buffer.byteLength(ctx.value);
    if (ctx.value === '') addIssue(ctx, expected('a non-empty string')({ input: '' }), ctx.value);
    else if (ctx.value.trim() === '') addIssue(ctx, 'expected a non-empty string, got only white space.', ctx.value);
    else if (bytes > textBytes) addIssue(ctx, `expected at most ${textBytes} bytes, got ${bytes}.`, ctx.value);
  });
  return shape.transform((value) => value.toWellFormed());
}

/**
 * Accepts an array. Its length is checked before its elements. Parsing stops when it has found as many issues as an error lists, so the
 * cost of a refusal does not grow with the input.
 *
 * @param what The description of the array for messages, such as 'an array of labels'.
 * @param max The maximum number of elements, and the word for them in messages, such as 16 and 'labels'. Default: no limit.
 */
export function list<T extends z.ZodType>(
  element: T,
  what: string,
  [max, noun] = [Number.POSITIVE_INFINITY, 'values'],
) {
  return z.unknown().transform((value, ctx): z.output<T>[] => {
    if (!Array.isArray(value)) addIssue(ctx, expected(what)({ input: value }), value);
    else if (value.length > max) addIssue(ctx, `expected at most ${max} ${noun}, got ${value.length}.`, value);
    else return parsedElements(element, value, ctx);
    return z.NEVER;
  });
}

// Parsing several elements together is much cheaper than parsing each element separately.
const elementsPerParse = 64;

/** The schemas of the arrays of these elements. Making one takes longer than parsing a short array with it. */
const arrays = new WeakMap<z.ZodType, z.ZodArray>();

function arrayOf<T extends z.ZodType>(element: T): z.ZodArray<T> {
  const known = arrays.get(element) as z.ZodArray<T> | undefined;
  if (known !== undefined) return known;
  const made = z.array(element);
  arrays.set(element, made);
  return made;
}

/** Parses the elements of an array. Adds their issues, and stops when there are as many issues as an error lists. */
export function parsedElements<T extends z.ZodType>(
  element: T,
  given: readonly unknown[],
  ctx: { issues: unknown[] },
): z.output<T>[] {
  const elements = arrayOf(element);
  const parsed: z.output<T>[] = [];
  for (let start = 0; start < given.length; start += elementsPerParse) {
    const end = Math.min(start + elementsPerParse, given.length);
    const result = elements.safeParse(given.slice(start, end));
    if (result.success) parsed.push(...result.data);
    else for (const { path, message } of elementIssues(result.error, start)) addIssue(ctx, message, given, path);
    if (ctx.issues.length < maxIssues || end === given.length) continue;
    addIssue(ctx, `the values after the first ${end} were not checked.`, given);
    break;
  }
  return parsed;
}

function elementIssues(error: z.ZodError, start: number): Issue[] {
  return issuesOf(error).map(({ path: [i, ...path], message }) => ({
    path: [(i as number) + start, ...path],
    message,
  }));
}

/** Returns the first items, up to the number of issues that an error lists. */
function firstOf<T>(all: readonly T[]): readonly T[] {
  return all.length > maxIssues ? all.slice(0, maxIssues) : all;
}

export function namespace(limits: Limits) {
  return list(name(limits), 'an array of labels, such as ["support", "eu"]', [limits.namespaceDepth, 'labels']);
}

/** Accepts a namespace from an earlier result, in which an earlier release may have stored hidden characters. */
export function exactNamespace(limits: Limits) {
  return list(exactName(limits), 'a namespace from an earlier result', [limits.namespaceDepth, 'labels']);
}

/** Accepts an array of names. Drops repeats. */
export function names(limits: Limits) {
  return list(name(limits), 'an array of strings', [limits.tags, 'strings']).transform((given) => [...new Set(given)]);
}

/**
 * Makes a field optional but rejects `undefined`. Otherwise a variable that is undefined by mistake could widen a query or share a private
 * memory.
 */
export function present<T extends z.ZodType>(shape: T) {
  const notUndefined = z.unknown().check((ctx) => {
    if (ctx.value !== undefined) return;
    ctx.issues.push({ code: 'custom', message: undefinedField, input: ctx.value, continue: false });
  });
  return z.exactOptional(notUndefined.pipe(shape));
}

/** The message for a field that is `undefined` although this could widen a query. */
export const undefinedField = 'expected a value, got undefined. Omit the field or give it a value.';

/** Accepts the id of a service. `root` is reserved, because audit entries use this name for the host program. */
export function serviceName(limits: Limits) {
  return name(limits).refine((id) => id !== 'root', {
    error: '"root" is reserved for the host program. Choose another name.',
  });
}

/** Accepts a time and converts it to epoch milliseconds. */
export const time = z.unknown().transform((value, ctx) => {
  const message = timeIssue(value);
  if (message === undefined) return toEpochMs(value) as number;
  addIssue(ctx, message, value);
  return z.NEVER;
});

const earliestMs = Date.UTC(1990, 0, 1);
const endMs = Date.UTC(2200, 0, 1);
const units: readonly [name: string, perMs: number, hint: string][] = [
  ['seconds', 1e-3, 'multiply it by 1,000'],
  ['microseconds', 1e3, 'divide it by 1,000'],
  ['nanoseconds', 1e6, 'divide it by 1,000,000'],
];

/**
 * Describes the problem with a time, or returns undefined if it is valid. A number or a text outside the years 1990 to 2199 is rejected,
 * because it is nearly always a number of seconds (which would be a day in January 1970). Any valid Date is accepted.
 */
export function timeIssue(value: unknown): string | undefined {
  const ms = toEpochMs(value);
  if (ms === undefined)
    return expectedOf('a valid Date, an ISO 8601 string with a time zone, or epoch milliseconds')({ input: value });
  if (types.isDate(value) || (ms >= earliestMs && ms < endMs)) return undefined;
  const unit = units.find(([, perMs]) => ms / perMs >= earliestMs && ms / perMs < endMs);
  const hint =
    typeof value === 'number' && unit !== undefined
      ? `The number seems to be in ${unit[0]}: ${unit[2]}.`
      : 'For a time outside of these years, give a Date.';
  return `expected epoch milliseconds or a text from the years 1990 to 2199, got ${new Date(ms).toISOString()}. ${hint}`;
}

const isoWithZone = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;
// The range of an ECMAScript Date: https://tc39.es/ecma262/#sec-time-values-and-time-range
const maxEpochMs = 8.64e15;

/** Converts a time to epoch milliseconds. Undefined for NaN, a date without a time, a time without a zone, and all other values. */
export function toEpochMs(value: unknown): number | undefined {
  const ms = types.isDate(value)
    ? value.getTime()
    : typeof value === 'string'
      ? parseIso(value)
      : typeof value === 'number'
        ? value
        : Number.NaN;
  return Number.isFinite(ms) && Math.abs(ms) <= maxEpochMs ? Math.trunc(ms) : undefined;
}

function parseIso(iso: string): number {
  const day = isoWithZone.exec(iso)?.[1];
  // This check is needed because `Date.parse` reads February 30 as March 2.
  const exists = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) === true;
  return exists ? Date.parse(iso) : Number.NaN;
}

/** Accepts the name of a time zone in the IANA database. */
export const timeZone = z
  .string({ error: expected("the name of a time zone, such as 'Europe/Rome'") })
  .refine(isTimeZone, { error: expected("the name of a time zone in the IANA database, such as 'Europe/Rome'") });

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const signal = z.custom<AbortSignal>(isAbortSignal, { error: expected('an AbortSignal') }).transform(ownSignal);
/** Accepts any function. */
export function callback<T>() {
  return z.custom<T>((value) => typeof value === 'function', { error: expected('a function') });
}
export const progressListener = callback<(progress: Progress) => void>();
/** Accepts a folder (a path or a `file:` URL) and converts it to an absolute path. */
export const folderShape = z.unknown().transform((folder, ctx): string => {
  const { path, message } = readFolder(folder);
  if (path !== undefined) return path;
  addIssue(ctx, message, folder);
  return z.NEVER;
});
export const revision = integer(1);
export const unitInterval = z
  .number({ error: expected('a number from 0 to 1') })
  .min(0, { error: expected('a number from 0 to 1') })
  .max(1, { error: expected('a number from 0 to 1') });
export const action = z.enum(actions as readonly Action[] as [Action, ...Action[]], {
  error: ({ input }) =>
    typeof input === 'string' ? unknownField(input, actions, 'action') : expected('an action')({ input }),
});
export const flag = z.boolean({ error: expected('true or false') });

/** Accepts a vector of finite numbers that are not all zero. A zero vector has no direction. */
export const vector = z
  .custom<Float32Array>(isFloat32Array, { error: expected('a Float32Array') })
  .check((ctx) => {
    const message = vectorIssue(ctx.value);
    if (message !== undefined) addIssue(ctx, message, ctx.value);
  })
  // The vector is copied, because callers may reuse their buffers.
  .transform((value) => new Float32Array(value));

/** Checks only that the vector in the options of a search has this number of dimensions. Another schema checks everything else. */
export function queryVectorOf(dimensions: number): z.ZodType<unknown> {
  return z.unknown().check((ctx) => {
    const given = (ctx.value as { vector?: unknown } | undefined)?.vector;
    if (!isFloat32Array(given) || given.length === dimensions) return;
    addIssue(ctx, `expected ${dimensions} numbers, got ${given.length}.`, given, ['vector']);
  });
}

/** Describes the problem with a vector, or returns undefined if it is valid. */
export function vectorIssue(value: Float32Array): string | undefined {
  if (!isFloat32Array(value)) return undefined;
  if (value.length === 0) return 'expected at least one number, got an empty vector.';
  let hasDirection = false;
  // A loop takes a fifth of the time of `findIndex` and `every`, and each write with a vector runs it.
  for (let i = 0; i < value.length; i++) {
    const number = value[i] as number;
    if (!Number.isFinite(number)) return `expected finite numbers, got ${number} at index ${i}.`;
    hasDirection ||= number !== 0;
  }
  return hasDirection ? undefined : 'expected a vector with a direction, got only zeros.';
}

/**
 * Checks a value and returns its parsed form.
 *
 * @param subject The name of the value in messages about issues without a path, such as 'options'.
 * @throws INVALID_INPUT with all issues
 */
export function parse<T>(shape: z.ZodType<T>, value: unknown, subject: string, at: Issue['path'] = []): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(issuesOf(result.error, at), subject);
}

/** One argument of a call: its schema, its value, and the path for its issues. */
export type Argument<T> = readonly [shape: z.ZodType<T>, value: unknown, at?: Issue['path']];

/**
 * Checks the arguments of a call and returns their parsed forms.
 *
 * @throws INVALID_INPUT with all issues in all arguments
 */
export function parseAll<T extends readonly unknown[]>(...args: { readonly [K in keyof T]: Argument<T[K]> }): T {
  const results = args.map(([shape, value, at = []]) => ({ result: shape.safeParse(value), at }));
  const issues = results.flatMap(({ result, at }) => (result.success ? [] : issuesOf(result.error, at)));
  if (issues.length > 0) throw invalidInput(issues);
  return results.map(({ result }) => result.data) as unknown as T;
}

/** Converts the errors from zod to issues. Puts `at` in front of their paths. */
export function issuesOf(error: z.ZodError, at: Issue['path'] = []): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = [...at, ...(issue.path as (string | number)[])];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    // `fields` writes one line of the message for each unknown key.
    const messages = issue.message.split('\n');
    const issues = firstOf(issue.keys).map((key, i) => ({
      path: [...path, key],
      message: messages[i] ?? issue.message,
    }));
    const rest = issue.keys.length - issues.length;
    return rest === 0 ? issues : [...issues, { path, message: `${rest} further unknown fields are not listed.` }];
  });
}

/** Makes a deep copy, and replaces each half of a surrogate pair in strings and keys with U+FFFD. It ignores `toJSON` methods. */
export function wellFormedCopy<T extends Json>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: Json) => wellFormedCopy(each)) as unknown as T;
  const entries = Object.entries(value).map(([key, each]) => [key.toWellFormed(), wellFormedCopy(each)]);
  return Object.fromEntries(entries) as T;
}
