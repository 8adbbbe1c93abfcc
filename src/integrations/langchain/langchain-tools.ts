import { tool } from '@langchain/core/tools';
import type { z } from 'zod';
import { defined } from '../../domain/defined';
import type { MemoryHandle } from '../../index';
import {
  type RecallToolOptions,
  type RememberToolOptions,
  recallDefinition,
  rememberDefinition,
} from '../shared/memory-tools';

/**
 * A tool `remember` with which a model stores a fact. The handle decides who writes and where; the model gives only the text.
 * LangChain rejects any other argument.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function rememberTool(handle: MemoryHandle, options: RememberToolOptions = {}) {
  const { run, ...definition } = rememberDefinition(handle, options);
  return tool(async (input: z.output<typeof definition.schema>, config) => run(input, config?.signal), definition);
}

/**
 * A tool `recall` with which a model searches the memories that the handle's principal may read. The content of the result is a block
 * of memories, fenced as data (see `toContext`); its artifact is the list of those hits.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function recallTool(handle: MemoryHandle, options: RecallToolOptions = {}) {
  const { run, ...definition } = recallDefinition(handle, options);
  return tool(
    async (input: z.output<typeof definition.schema>, config) => {
      const { text, hits } = await run(input, config?.signal);
      return [text, hits] as const;
    },
    { ...definition, responseFormat: 'content_and_artifact' },
  );
}

/**
 * The tools `remember` and `recall` of one handle: `createAgent({ tools: [...memoryTools(handle)] })`.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function memoryTools(handle: MemoryHandle, options: RememberToolOptions & RecallToolOptions = {}) {
  const { memory, ...recall } = options;
  return [rememberTool(handle, defined({ memory })), recallTool(handle, recall)] as const;
}
