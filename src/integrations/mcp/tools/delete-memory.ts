import { z } from 'zod';
import { defined } from '../../../domain/defined';
import type { MemoryHandle } from '../../../index';
import { defineTool, invalidArguments, type ToolCall } from './mcp-tool';
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
    'Deletes one or several memories permanently: the text, its index entries and all earlier revisions. In ids, a ' +
    'memory that cannot be deleted does not stop the others.',
  input: z.strictObject({
    id: z.exactOptional(id),
    ids: z.exactOptional(
      z.array(id).min(1).max(maxIds).describe(`In place of id, to delete several memories: 1 to ${maxIds} ids.`),
    ),
    ifRevision,
  }),
  output: z.object({ results: z.array(deletion) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run(handle, { id: single, ids = [], ifRevision: revision }, call) {
    if ((single === undefined) === (ids.length === 0))
      throw invalidArguments('delete_memory', [{ path: [], message: 'expected either id or ids.' }]);
    const options = defined({ ifRevision: revision });
    const results =
      single === undefined
        ? await forgetEach(handle, ids, options, call)
        : [{ id: single, deleted: await handle.forget(single, { ...options, signal: call.signal }) }];
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
