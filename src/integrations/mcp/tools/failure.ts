import { z } from 'zod';
import { MemoryError } from '../../../index';

/** A refusal as JSON, such that a model can act on it. */
export const failureShape = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
});

/** The refusal that an error of ours is. Whatever else was thrown is thrown again. */
export function failureOf(error: unknown): z.output<typeof failureShape> {
  if (!MemoryError.is(error)) throw error;
  const { code, message, retryable, issues } = error;
  return {
    code,
    message,
    retryable,
    issues: issues.map((issue) => ({ path: [...issue.path], message: issue.message })),
  };
}
