import { z } from 'zod';
import { defined } from '../../../domain/defined';
import { defineTool } from './mcp-tool';
import { fencedMemories, memoryOutput, memorySchema } from './memory-output';
import { id, ifRevision, patch } from './tool-arguments';

/** Corrects a memory. */
export const updateMemory = defineTool({
  name: 'update_memory',
  title: 'Correct a memory',
  description:
    'Corrects a memory that was wrong. Given fields replace the old ones, null restores the default of a field, and all other ' +
    'fields stay. If the memory was right and the world has changed, call add_memory with supersedes instead.',
  input: z.strictObject({ id, ...patch, ifRevision }),
  output: z.object({ memory: memorySchema }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run(handle, { id: memoryId, ifRevision: revision, ...fields }, { signal }) {
    const memory = await handle.update(memoryId, fields, { signal, ...defined({ ifRevision: revision }) });
    return { structured: { memory: memoryOutput(memory) }, text: fencedMemories([memory], '') };
  },
});
