import type { z } from 'zod';
import { defined } from '../../domain/defined';
import type { MemoryHandle } from '../../index';
import {
  forgetDefinition,
  type RecallToolOptions,
  type RememberToolOptions,
  recallDefinition,
  recallSchemaOfAiSdk,
  rememberDefinition,
} from '../shared/memory-tools';

/** A tool of `ai` 6 and 7. If `execute` throws, the SDK sends the error message to the model. */
export interface MemoryTool<I> {
  readonly description: string;
  readonly inputSchema: z.ZodType<I>;
  execute(input: I, options: { abortSignal?: AbortSignal | undefined }): Promise<string>;
}

/**
 * A tool with which a model stores a fact. The handle decides who writes and where; the model gives only the text. The SDK rejects
 * any other argument.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function rememberTool(handle: MemoryHandle, options: RememberToolOptions = {}): MemoryTool<{ text: string }> {
  const { description, schema, run } = rememberDefinition(handle, options);
  return { description, inputSchema: schema, execute: (input, { abortSignal }) => run(input, abortSignal) };
}

/**
 * A tool with which a model searches the memories that the handle's principal may read. The result is a block of memories, fenced as
 * data (see `toContext`).
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function recallTool(
  handle: MemoryHandle,
  options: RecallToolOptions = {},
): MemoryTool<{ query: string; limit?: number | undefined }> {
  const { description, run } = recallDefinition(handle, options);
  return {
    description,
    inputSchema: recallSchemaOfAiSdk(options),
    execute: async (input, { abortSignal }) => (await run(input, abortSignal)).text,
  };
}

/**
 * A tool with which a model deletes a memory permanently. `memoryTools` does not include it: add it only for a model that should
 * delete.
 *
 * @throws INVALID_INPUT for a value that is not a handle
 */
export function forgetTool(handle: MemoryHandle): MemoryTool<{ id: string }> {
  const { description, schema, run } = forgetDefinition(handle);
  return { description, inputSchema: schema, execute: (input, { abortSignal }) => run(input, abortSignal) };
}

/**
 * The tools `remember` and `recall` of one handle: `generateText({ model, tools: memoryTools(handle) })`.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function memoryTools(handle: MemoryHandle, options: RememberToolOptions & RecallToolOptions = {}) {
  const { memory, ...recall } = options;
  return { remember: rememberTool(handle, defined({ memory })), recall: recallTool(handle, recall) };
}
