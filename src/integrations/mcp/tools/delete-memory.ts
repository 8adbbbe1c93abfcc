import { z } from 'zod';
import { defined } from '../../../domain/defined';
import type { MemoryHandle } from '../../../index';
import { defineTool, type ToolCall } from './mcp-tool';
import { id, ifRevision } from './tool-arguments';
import { errorOutput, errorSchema } from './tool-error';

const maxIds = 100;
const deletion = z.object({
  id: z.string(),
  deleted: z.boolean().describe('false if the memory does not exist or you may not read it.'),
  error: z.exactOptional(errorSchema),
});

/** Forgets memories. */
export const deleteMemory = defineTool({
  name: 'delete_memory',
  title: 'Delete a memory',
  description:
    'Deletes one or several memories permanently: the text, its index entries and all earlier revisions. In a list of ids, a ' +
    'memory that cannot be deleted does not stop the others.',
  input: z.strictObject({
    id: z.union([id, z.array(id).min(1).max(maxIds)]).describe(`The id of a memory, or a list of 1 to ${maxIds} ids.`),
    ifRevision,
  }),
  output: z.object({ results: z.array(deletion) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run(handle, { id: ids, ifRevision: revision }, call) {
    const options = defined({ ifRevision: revision });
    const results =
      typeof ids === 'string'
        ? [{ id: ids, deleted: await handle.forget(ids, { ...options, signal: call.signal }) }]
        : await forgetEach(handle, ids, options, call);
    const structured = { results };
    return { structured, text: JSON.stringify(structured) };
  },
});

async function forgetEach(
  handle: MemoryHandle,
  ids: readonly string[],
  options: { ifRevision?: number },
  { signal, reportProgress }: ToolCall,
): Promise<z.output<typeof deletion>[]> {
  const results: z.output<typeof deletion>[] = [];
  for (const each of ids) {
    signal.throwIfAborted();
    try {
      results.push({ id: each, deleted: await handle.forget(each, { ...options, signal }) });
    } catch (error) {
      results.push({ id: each, deleted: false, error: errorOutput(error) });
    }
    await reportProgress(results.length, ids.length);
  }
  return results;
}
