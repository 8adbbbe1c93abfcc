import { z } from 'zod';
import { defineTool } from './mcp-tool';
import { newMemory } from './tool-arguments';

/** Stores a memory. */
export const addMemory = defineTool({
  name: 'add_memory',
  title: 'Add a memory',
  description:
    'Stores one fact or event in long-term memory. Later conversations, and other agents with access, can find it. ' +
    'Write a text that is clear without any context.',
  input: z.strictObject({ text: z.string().min(1).describe('The fact or event to store.'), ...newMemory }),
  output: z.object({
    id: z.string(),
    revision: z.int(),
    outcome: z.enum(['stored', 'revised', 'duplicate', 'disputed']),
  }),
  // The tool counts as destructive, because a write with an existing key overwrites that memory.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run(handle, { text, ...options }, { signal }) {
    const structured = await handle.remember(text, { ...options, signal });
    return { structured, text: JSON.stringify(structured) };
  },
});
