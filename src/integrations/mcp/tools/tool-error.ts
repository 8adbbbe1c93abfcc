import { z } from 'zod';
import { MemoryError } from '../../../index';

/** The schema for an error in a tool's output. */
export const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
});

/** Converts a MemoryError to JSON, so that a model can correct its call. Throws every other error again. */
export function errorOutput(error: unknown): z.output<typeof errorSchema> {
  if (!MemoryError.is(error)) throw error;
  const { code, message, retryable, issues } = error;
  return {
    code,
    message,
    retryable,
    issues: issues.map((issue) => ({ path: [...issue.path], message: issue.message })),
  };
}
