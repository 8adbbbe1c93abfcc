import { z } from 'zod';
import { defined } from '../../../domain/defined';
import { defineTool, invalidArguments } from './mcp-tool';
import { fencedMemories, memoryOutput, memorySchema } from './memory-output';
import { id, ifRevision, patch, reset } from './tool-arguments';

/** Corrects a memory. */
export const updateMemory = defineTool({
  name: 'update_memory',
  title: 'Correct a memory',
  description:
    'Corrects a memory that was wrong. Given fields replace the old ones, those in reset get their default back, and all ' +
    'other fields stay. If the memory was right and the world has changed, call add_memory with supersedes instead.',
  input: z.strictObject({ id, ...patch, reset, ifRevision }),
  output: z.object({ memory: memorySchema }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run(handle, { id: memoryId, ifRevision: revision, reset: names = [], ...fields }, { signal }) {
    const issues = names
      .filter((name) => fields[name] !== undefined)
      .map((name) => ({ path: ['reset'], message: `${name} is also given a new value. Choose one of the two.` }));
    if (issues.length > 0) throw invalidArguments('update_memory', issues);
    const defaults = Object.fromEntries(names.map((name) => [name, null]));
    const memory = await handle.update(
      memoryId,
      { ...fields, ...defaults },
      { signal, ...defined({ ifRevision: revision }) },
    );
    return { structured: { memory: memoryOutput(memory) }, text: fencedMemories([memory], '') };
  },
});
