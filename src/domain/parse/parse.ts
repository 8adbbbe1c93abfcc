import type { z } from 'zod';
import { type Issue, invalidInput } from '../errors';

/**
 * The value in its parsed form.
 *
 * @throws INVALID_INPUT with every issue at once.
 */
export function parse<T>(shape: z.ZodType<T>, value: unknown, what: string, at: readonly (string | number)[] = []): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(issuesOf(result.error, at), what);
}

/** One argument of a call: what it must be, what it is, and where its issues stand. */
export type Argument<T> = readonly [shape: z.ZodType<T>, value: unknown, at?: readonly (string | number)[]];

/**
 * The arguments of a call in their parsed forms.
 *
 * @throws INVALID_INPUT with every issue of all of them at once.
 */
export function parseAll<T extends readonly unknown[]>(...args: { readonly [K in keyof T]: Argument<T[K]> }): T {
  const results = args.map(([shape, value, at = []]) => ({ result: shape.safeParse(value), at }));
  const issues = results.flatMap(({ result, at }) => (result.success ? [] : issuesOf(result.error, at)));
  if (issues.length > 0) throw invalidInput(issues);
  return results.map(({ result }) => result.data) as unknown as T;
}

/** The issues of a failed parse, under a path. */
export function issuesOf(error: z.ZodError, at: readonly (string | number)[] = []): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = [...at, ...(issue.path as (string | number)[])];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    // One issue each, at the field itself: the message was made of as many sentences as there are keys.
    const messages = issue.message.split(/(?<=\.) (?=There is no )/);
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? issue.message }));
  });
}
