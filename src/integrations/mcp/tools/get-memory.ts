import { z } from 'zod';
import { MemoryError } from '../../../index';
import { id, namespace } from './arguments';
import { fenced, shown, shownMemory } from './shown-memory';
import { defineTool } from './tool';

/** Reads one memory. */
export const getMemory = defineTool({
  name: 'get_memory',
  title: 'Get a memory',
  description: 'Reads one memory by its id, or by the key that it was written with and its namespace.',
  input: z.strictObject({
    id: z.exactOptional(id),
    key: z.exactOptional(z.string().min(1)),
    namespace: z.exactOptional(namespace),
  }),
  output: z.object({ memory: shownMemory }),
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  async run(handle, { id: known, key, namespace: given }, { signal }) {
    const at = given ?? handle.scope.namespace;
    if ((known === undefined) === (key === undefined) || (known !== undefined && given !== undefined))
      throw incomplete('Give either an id, or a key with its namespace.');
    if (key !== undefined && at === undefined) throw incomplete('Give the namespace of the key, too.');
    const address = known ?? { namespace: at ?? [], key: key ?? '' };
    const memory = await handle.get(address, { signal });
    if (memory === undefined)
      throw new MemoryError('NOT_FOUND', `There is no memory ${JSON.stringify(address)}, or none that you may read.`);
    return { structured: { memory: shown(memory) }, text: fenced([memory], '') };
  },
});

function incomplete(message: string): MemoryError {
  return new MemoryError('INVALID_INPUT', `The arguments of get_memory cannot be taken. ${message}`, {
    issues: [{ path: [], message }],
  });
}
