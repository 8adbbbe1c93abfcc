import { z } from 'zod';
import { MemoryError } from '../../../index';
import { defineTool, invalidArguments } from './mcp-tool';
import { fencedMemories, memoryOutput, memorySchema } from './memory-output';
import { id, namespace } from './tool-arguments';

/** Reads one memory. */
export const getMemory = defineTool({
  name: 'get_memory',
  title: 'Get a memory',
  description: 'Reads one memory, either by its id, or by its key and its namespace.',
  input: z.strictObject({
    id: z.exactOptional(id),
    key: z.exactOptional(z.string().min(1).describe('The key with which the memory was written.')),
    namespace: z.exactOptional(
      namespace.describe('The exact namespace of the key. Default: the namespace of this server.'),
    ),
  }),
  output: z.object({ memory: memorySchema }),
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  async run(handle, input, { signal }) {
    const { id: memoryId, key, namespace: keyNamespace = handle.scope.namespace } = input;
    if ((memoryId === undefined) === (key === undefined)) throw incomplete('expected either id or key.');
    if (memoryId !== undefined && input.namespace !== undefined)
      throw incomplete('namespace goes with key. Remove it, because an id needs no namespace.');
    if (key !== undefined && keyNamespace === undefined) throw incomplete('key requires namespace.');
    const address = memoryId ?? { namespace: keyNamespace ?? [], key: key ?? '' };
    const memory = await handle.get(address, { signal });
    if (memory === undefined)
      throw new MemoryError('NOT_FOUND', `No memory ${JSON.stringify(address)} exists, or you may not read it.`);
    return { structured: { memory: memoryOutput(memory) }, text: fencedMemories([memory], '') };
  },
});

function incomplete(message: string): MemoryError {
  return invalidArguments('get_memory', [{ path: [], message }]);
}
