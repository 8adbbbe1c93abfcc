import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { type Issue, MemoryError, type MemoryHandle } from '../../../index';

/** What one call of a tool brings besides its arguments. */
export interface ToolCall {
  readonly signal: AbortSignal;
  /** Tells the client how far long work has come. Does nothing where it did not ask. */
  progress(done: number, total: number): Promise<void>;
}

/** What a tool answers: the same for programs and for models. */
export interface Answer<O> {
  readonly structured: O;
  readonly text: string;
}

/** One tool of the server: what a client is shown of it, and what it does through a handle. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly annotations: ToolAnnotations;
  answer(handle: MemoryHandle, given: unknown, call: ToolCall): Promise<Answer<Record<string, unknown>>>;
}

interface Definition<I extends z.ZodObject, O extends z.ZodObject> extends Omit<Tool, 'answer' | 'input' | 'output'> {
  readonly input: I;
  readonly output: O;
  run(handle: MemoryHandle, given: z.output<I>, call: ToolCall): Promise<Answer<z.output<O>>>;
}

/** A tool whose arguments are checked against its schema before it runs: every problem at once, unknown arguments too. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(definition: Definition<I, O>): Tool {
  const { run, ...shown } = definition;
  return {
    ...shown,
    answer: async (handle, given, call) => run(handle, checked(definition.input, given, definition.name), call),
  };
}

function checked<I extends z.ZodObject>(shape: I, given: unknown, name: string): z.output<I> {
  const parsed = shape.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue): Issue[] => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    const message = issue.message.endsWith('.') ? issue.message : `${issue.message}.`;
    if (issue.code !== 'unrecognized_keys' || path.length > 0) return [{ path, message }];
    const known = Object.keys(shape.shape).join(', ');
    return issue.keys.map((key) => ({ path: [key], message: `There is no such argument. Known are ${known}.` }));
  });
  const lines = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
  throw new MemoryError('INVALID_INPUT', `The arguments of ${name} cannot be taken. ${lines.join(' ')}`, { issues });
}
