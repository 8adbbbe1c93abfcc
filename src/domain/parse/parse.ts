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
