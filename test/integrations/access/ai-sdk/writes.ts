import type { MemoryHandle } from 'multi-agent-memory';
import { type Version, versions } from '../../ai-sdk/versions';
import type { Write } from '../adapter';
import { isAllowed } from '../told';
import { toolResult } from './tool-call';

const least = { topK: 1 };
const anywhere = { keyed: false, names: () => true };

/** How a model writes by its tool, and the middleware by itself, in each version. */
export const writes: readonly Write[] = versions.flatMap((version): Write[] => [
  {
    ...anywhere,
    name: `${version.name}, remember tool`,
    write: (handle, namespace) => used(version, handle.within({ namespace }), 'remember', { text: 'noted' }),
  },
  {
    ...anywhere,
    name: `${version.name}, middleware`,
    write: (handle, namespace) =>
      isAllowed(() => version.app(handle.within({ namespace }), [{ say: 'ok' }]).generate('Note it.')),
  },
  {
    ...anywhere,
    name: `${version.name}, middleware of a stream`,
    write: (handle, namespace) =>
      isAllowed(async () => {
        const { errors } = await version.app(handle.within({ namespace }), [{ say: 'ok' }]).stream('Note it.');
        if (errors.length > 0) throw errors[0];
      }),
  },
]);

/** Forgets by the tool, of some memories in one version and of others in the next. */
export function forget(handle: MemoryHandle, id: string): Promise<boolean> {
  const version = versions[Number.parseInt(id.slice(-1), 16) % versions.length] as Version;
  return used(version, handle, 'forget', { id });
}

/** Whether a tool did what it was called for. The SDK tells the model of a refusal in words alone. */
async function used(version: Version, handle: MemoryHandle, tool: string, input: object): Promise<boolean> {
  const { type, value } = await toolResult(version, handle, least, tool, input);
  if (type === 'text') return true;
  if (type === 'error-text' && /Not allowed to (write|forget)/.test(value)) return false;
  throw new Error(`The tool ${tool} failed: ${value}`);
}
