import { z } from 'zod';
import { newMemory } from './arguments';
import { defineTool } from './tool';

/** Stores a memory. */
export const addMemory = defineTool({
  name: 'add_memory',
  title: 'Remember',
  description:
    'Stores one fact or event, durably, for later conversations and for other agents that may read it. ' +
    'Write a text that can be understood by itself.',
  input: z.strictObject({ text: z.string().min(1).describe('What to remember.'), ...newMemory }),
  output: z.object({ id: z.string(), revision: z.int(), outcome: z.enum(['stored', 'revised', 'duplicate']) }),
  // A key that is there is written over.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run(handle, { text, ...options }, { signal }) {
    const structured = await handle.remember(text, { ...options, signal });
    return { structured, text: JSON.stringify(structured) };
  },
});
