import { z } from 'zod';
import { id, patch } from './arguments';
import { fenced, shown, shownMemory } from './shown-memory';
import { defineTool } from './tool';

/** Corrects a memory. */
export const updateMemory = defineTool({
  name: 'update_memory',
  title: 'Correct a memory',
  description:
    'Corrects a memory: what is given replaces, null sets a field back to its default, the rest stays. ' +
    'Where the world has changed, call add_memory with supersedes.',
  input: z.strictObject({
    id,
    ...patch,
    ifRevision: z.exactOptional(z.int().min(1).describe('Fails if the memory has moved on from this revision.')),
  }),
  output: z.object({ memory: shownMemory }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run(handle, { id: known, ifRevision, ...fields }, { signal }) {
    const options = ifRevision === undefined ? { signal } : { signal, ifRevision };
    const memory = await handle.update(known, fields, options);
    return { structured: { memory: shown(memory) }, text: fenced([memory], '') };
  },
});
