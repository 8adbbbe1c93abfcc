import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { Issue, MemoryHandle } from '../../../index';
import { firstIssues, invalidInput, unknownKeyMessage } from '../../shared/input-checks';
import { argumentsFromModel } from '../../shared/model-arguments';
import { sizeIssues } from './argument-size';

/** The values that a tool gets with each call in addition to its arguments. */
export interface ToolCall {
  readonly signal: AbortSignal;
  /** Reports progress to the client. Does nothing if the client did not ask for progress. */
  reportProgress(done: number, total: number): Promise<void>;
}

/** The result of a tool: JSON for programs, and text for models. */
export interface ToolResult<O> {
  readonly structured: O;
  readonly text: string;
}

/** A tool of the server: its description for clients, and the function that runs it on a handle. */
export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly annotations: ToolAnnotations;
  /** @throws MemoryError INVALID_INPUT for invalid arguments, and every error from the handle */
  run(handle: MemoryHandle, input: unknown, call: ToolCall): Promise<ToolResult<Record<string, unknown>>>;
}

interface McpToolDefinition<I extends z.ZodObject, O extends z.ZodObject>
  extends Omit<McpTool, 'run' | 'input' | 'output'> {
  readonly input: I;
  readonly output: O;
  run(handle: MemoryHandle, input: z.output<I>, call: ToolCall): Promise<ToolResult<z.output<O>>>;
}

/** Makes a tool that checks its arguments before it runs. One error lists all problems, including unknown arguments. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(definition: McpToolDefinition<I, O>): McpTool {
  const { run, ...listing } = definition;
  return {
    ...listing,
    run: async (handle, input, call) => run(handle, parseArguments(definition.input, input, definition.name), call),
  };
}

/** Makes an INVALID_INPUT error for the arguments of a tool. */
export function invalidArguments(toolName: string, issues: readonly Issue[]) {
  return invalidInput(`arguments of ${toolName}`, issues);
}

function parseArguments<I extends z.ZodObject>(schema: I, input: unknown, toolName: string): z.output<I> {
  const given = argumentsFromModel(schema, input ?? {});
  const tooLarge = sizeIssues(given);
  if (tooLarge.length > 0) throw invalidArguments(toolName, tooLarge);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue): Issue[] => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    const message = issue.message.endsWith('.') ? issue.message : `${issue.message}.`;
    if (issue.code !== 'unrecognized_keys' || path.length > 0) return [{ path, message }];
    const known = Object.keys(schema.shape);
    const shown = firstIssues(issue.keys);
    const rest = issue.keys.length - shown.length;
    const restIssue = { path: [], message: `${rest} further unknown arguments are not listed.` };
    const listed = shown.map((key) => ({ path: [key], message: unknownKeyMessage(key, known, 'argument') }));
    return rest === 0 ? listed : [...listed, restIssue];
  });
  throw invalidArguments(toolName, issues);
}
