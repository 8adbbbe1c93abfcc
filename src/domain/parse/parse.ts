import type { z } from 'zod';
import { type Issue, invalidInput } from '../errors';

/**
 * Checks a value and returns its parsed form.
 *
 * @param subject The name of the value in messages, for issues without a path: 'options'.
 * @throws INVALID_INPUT with every issue.
 */
export function parse<T>(shape: z.ZodType<T>, value: unknown, subject: string, at: Issue['path'] = []): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(issuesOf(result.error, at), subject);
}

/** One argument of a call: its shape, its value, and the path of its issues. */
export type Argument<T> = readonly [shape: z.ZodType<T>, value: unknown, at?: Issue['path']];

/**
 * Checks the arguments of a call and returns their parsed forms.
 *
 * @throws INVALID_INPUT with every issue of all arguments.
 */
export function parseAll<T extends readonly unknown[]>(...args: { readonly [K in keyof T]: Argument<T[K]> }): T {
  const results = args.map(([shape, value, at = []]) => ({ result: shape.safeParse(value), at }));
  const issues = results.flatMap(({ result, at }) => (result.success ? [] : issuesOf(result.error, at)));
  if (issues.length > 0) throw invalidInput(issues);
  return results.map(({ result }) => result.data) as unknown as T;
}

/** The issues of a failed parse, with `at` in front of their paths. */
export function issuesOf(error: z.ZodError, at: Issue['path'] = []): Issue[] {
  return error.issues.flatMap((issue) => {
    const path = [...at, ...(issue.path as (string | number)[])];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    // `fields` writes one line for each unknown key.
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i] ?? issue.message }));
  });
}
