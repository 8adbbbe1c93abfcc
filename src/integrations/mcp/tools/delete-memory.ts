import { z } from 'zod';
import type { MemoryHandle } from '../../../index';
import { id } from './arguments';
import { failureOf, failureShape } from './failure';
import { defineTool, type ToolCall } from './tool';

const most = 100;
const outcome = z.object({
  id: z.string(),
  deleted: z.boolean().describe('false where there is no such memory, or none that you may read.'),
  error: z.exactOptional(failureShape),
});

/** Forgets memories. */
export const deleteMemory = defineTool({
  name: 'delete_memory',
  title: 'Forget a memory',
  description: 'Forgets a memory for good: its text, its words and its earlier revisions. Takes one id, or several.',
  input: z.strictObject({
    id: z.union([id, z.array(id).min(1).max(most)]),
    ifRevision: z.exactOptional(z.int().min(1).describe('Fails if the memory has moved on from this revision.')),
  }),
  output: z.object({ results: z.array(outcome) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run(handle, { id: given, ifRevision }, call) {
    const options = ifRevision === undefined ? {} : { ifRevision };
    if (typeof given === 'string') {
      const deleted = await handle.forget(given, { ...options, signal: call.signal });
      return answerOf([{ id: given, deleted }]);
    }
    return answerOf(await forgetEach(handle, given, options, call));
  },
});

/** Each by itself: what may not be forgotten does not keep the others. */
async function forgetEach(
  handle: MemoryHandle,
  ids: readonly string[],
  options: { ifRevision?: number },
  { signal, progress }: ToolCall,
): Promise<z.output<typeof outcome>[]> {
  const results: z.output<typeof outcome>[] = [];
  for (const each of ids) {
    signal.throwIfAborted();
    try {
      results.push({ id: each, deleted: await handle.forget(each, { ...options, signal }) });
    } catch (error) {
      results.push({ id: each, deleted: false, error: failureOf(error) });
    }
    await progress(results.length, ids.length);
  }
  return results;
}

function answerOf(results: z.output<typeof outcome>[]) {
  const structured = { results };
  return { structured, text: JSON.stringify(structured) };
}
