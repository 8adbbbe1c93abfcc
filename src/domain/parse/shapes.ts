import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import type { Progress } from '../calls';
import type { Limits } from '../limits';
import { type Action, actions } from '../rule';
import { toEpochMs } from '../time';

/** An object that knows all of its fields: any other is an issue that names the nearest known one. */
export function fields<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys')
        return (issue.keys as string[]).map((key) => unknownField(key, known)).join(' ');
      if (issue.code === 'invalid_type') return 'must be an object.';
      return undefined;
    },
  });
}

/** What to say of a field or operator that does not exist. */
export function unknownField(key: string, known: readonly string[], what = 'field'): string {
  const nearest = [...known].sort(
    (a, b) => distance(key.toLowerCase(), a.toLowerCase()) - distance(key.toLowerCase(), b.toLowerCase()),
  )[0];
  return `There is no ${what} ${JSON.stringify(key)}: did you mean ${JSON.stringify(nearest)}? Known are ${known.join(', ')}.`;
}

/** A name: an id, a label, a tag, a key. Not empty, and of whole characters, so that two names that differ stay different. */
export function name(limits: Limits) {
  return z.string({ error: 'must be a string.' }).check((ctx) => {
    const issue = nameIssue(ctx.value, limits);
    if (issue !== undefined) ctx.issues.push({ code: 'custom', message: issue, input: ctx.value });
  });
}

function nameIssue(value: string, { nameBytes }: Limits): string | undefined {
  if (value === '') return 'must not be empty.';
  if (!value.isWellFormed()) return 'must not hold half of a surrogate pair.';
  const bytes = Buffer.byteLength(value);
  return bytes > nameBytes ? `has ${bytes} bytes, at most ${nameBytes} are allowed.` : undefined;
}

export function namespace(limits: Limits) {
  return z
    .array(name(limits), { error: 'must be a list of labels, such as ["support", "eu"].' })
    .max(limits.namespaceDepth, { error: `must not be deeper than ${limits.namespaceDepth} labels.` });
}

/** A set of names: repeats are dropped. */
export function names(limits: Limits) {
  return z
    .array(name(limits), { error: 'must be a list of strings.' })
    .max(limits.tags, { error: `must not hold more than ${limits.tags}.` })
    .transform((list) => [...new Set(list)]);
}

/** A field that may be left out. One that is present but undefined is an issue: it must never mean everything. */
export function present<T extends z.ZodType>(shape: T) {
  const undefinedIsNoChoice = z.unknown().check((ctx) => {
    if (ctx.value === undefined) {
      ctx.issues.push({
        code: 'custom',
        message: 'is undefined: leave it out if that is what you mean, or give a value.',
        input: ctx.value,
        continue: false,
      });
    }
  });
  return z.exactOptional(undefinedIsNoChoice.pipe(shape));
}

/** A service. The host itself shows as the service `root`. */
export function serviceName(limits: Limits) {
  return name(limits).refine((id) => id !== 'root', { error: 'is the name of the host itself: choose another.' });
}

/** A moment, as epoch milliseconds. */
export const time = z.unknown().transform((value, ctx) => {
  const ms = toEpochMs(value);
  if (ms !== undefined) return ms;
  ctx.issues.push({
    code: 'custom',
    message: 'must be a valid Date, an ISO string with a zone or epoch milliseconds.',
    input: value,
  });
  return z.NEVER;
});

export const signal = z.custom<AbortSignal>((value) => value instanceof AbortSignal, {
  error: 'must be an AbortSignal.',
});
export const progressListener = z.custom<(progress: Progress) => void>((value) => typeof value === 'function', {
  error: 'must be a function.',
});
export const revision = z.int({ error: 'must be a whole number.' }).min(1, { error: 'must be 1 or more.' });
export const unitInterval = z
  .number({ error: 'must be a number in 0..1.' })
  .min(0, { error: 'must not be below 0.' })
  .max(1, { error: 'must not be above 1.' });
export const action = z.enum(actions as [Action, ...Action[]], {
  error: ({ input }) =>
    typeof input === 'string' ? unknownField(input, actions, 'action') : `must be one of ${actions.join(', ')}.`,
});
export const flag = z.boolean({ error: 'must be true or false.' });

/** A finite vector that is not zero: a zero vector has no direction. */
export const vector = z
  .custom<Float32Array>((value) => value instanceof Float32Array, { error: 'must be a Float32Array.' })
  .check((ctx) => {
    const message = vectorIssue(ctx.value);
    if (message !== undefined) ctx.issues.push({ code: 'custom', message, input: ctx.value });
  })
  // A copy: callers use their buffers again.
  .transform((value) => value.slice());

function vectorIssue(value: Float32Array): string | undefined {
  if (!(value instanceof Float32Array)) return undefined;
  let squares = 0;
  for (let i = 0; i < value.length; i++) {
    const x = value[i] as number;
    if (!Number.isFinite(x)) return `holds ${x} at ${i}: every number must be finite.`;
    squares += x * x;
  }
  return squares > 0 && Number.isFinite(squares)
    ? undefined
    : 'must not be empty, all zero, or too long to have a direction.';
}
