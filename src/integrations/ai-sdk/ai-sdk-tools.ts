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

/** A tool for versions 6 and 7 of the package `ai`. If `execute` throws, the SDK sends the error message to the model. */
export interface MemoryTool<I> {
  readonly description: string;
  readonly inputSchema: z.ZodType<I>;
  execute(input: I, options: { abortSignal?: AbortSignal | undefined }): Promise<string>;
}

/**
 * Makes a tool with which a model stores a fact. The principal and the scope come from the handle. The model sets only the text, and the
 * SDK rejects any other argument.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function rememberTool(handle: MemoryHandle, options: RememberToolOptions = {}): MemoryTool<{ text: string }> {
  const { description, schema, run } = rememberDefinition(handle, options);
  return { description, inputSchema: schema, execute: (input, { abortSignal }) => run(input, abortSignal) };
}

/**
 * Makes a tool with which a model searches the memories that the handle's principal may read. The result is a block of memories that is
 * marked as data (see `toContext`).
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
 * Makes a tool with which a model deletes a memory permanently. `memoryTools` does not include this tool. Add it only for a model that
 * should delete memories.
 *
 * @throws INVALID_INPUT for a value that is not a handle
 */
export function forgetTool(handle: MemoryHandle): MemoryTool<{ id: string }> {
  const { description, schema, run } = forgetDefinition(handle);
  return { description, inputSchema: schema, execute: (input, { abortSignal }) => run(input, abortSignal) };
}

/**
 * Makes the tools `remember` and `recall` for one handle: `generateText({ model, tools: memoryTools(handle) })`.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function memoryTools(handle: MemoryHandle, options: RememberToolOptions & RecallToolOptions = {}) {
  const { memory, ...recall } = options;
  return { remember: rememberTool(handle, defined({ memory })), recall: recallTool(handle, recall) };
}
