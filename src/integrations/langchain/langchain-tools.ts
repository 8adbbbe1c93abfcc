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
 * Makes a tool `remember` with which a model stores a fact. The principal and the scope come from the handle. The model sets only the
 * text, and LangChain rejects any other argument.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function rememberTool(handle: MemoryHandle, options: RememberToolOptions = {}) {
  const { run, ...definition } = rememberDefinition(handle, options);
  return tool(async (input: z.output<typeof definition.schema>, config) => run(input, config?.signal), definition);
}

/**
 * Makes a tool `recall` with which a model searches the memories that the handle's principal may read. The content of the result is a
 * block of memories that is marked as data (see `toContext`). The artifact of the result is the list of these hits.
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
 * Makes the tools `remember` and `recall` for one handle: `createAgent({ tools: [...memoryTools(handle)] })`.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 */
export function memoryTools(handle: MemoryHandle, options: RememberToolOptions & RecallToolOptions = {}) {
  const { memory, ...recall } = options;
  return [rememberTool(handle, defined({ memory })), recallTool(handle, recall)] as const;
}
