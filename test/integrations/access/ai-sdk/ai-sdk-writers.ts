import type { MemoryHandle } from 'multi-agent-memory';
import { type Version, versions } from '../../ai-sdk/sdk-versions';
import type { Writer } from '../adapter';
import { isAllowed } from '../call-outcome';
import { toolResult } from './scripted-tool-call';

const one = { topK: 1 };
const anywhere = { keyed: false, canName: () => true };

/** Writes of a model with its tool and of the middleware, with each version. */
export const writers: readonly Writer[] = versions.flatMap((version): Writer[] => [
  {
    ...anywhere,
    name: `${version.name}, remember tool`,
    write: (handle, namespace) => runsTool(version, handle.within({ namespace }), 'remember', { text: 'noted' }),
  },
  {
    ...anywhere,
    name: `${version.name}, middleware`,
    write: (handle, namespace) =>
      isAllowed(() => version.app(handle.within({ namespace }), [{ say: 'ok' }]).generate('Note it.')),
  },
  {
    ...anywhere,
    name: `${version.name}, middleware with streaming`,
    write: (handle, namespace) =>
      isAllowed(async () => {
        const { errors } = await version.app(handle.within({ namespace }), [{ say: 'ok' }]).stream('Note it.');
        if (errors.length > 0) throw errors[0];
      }),
  },
]);

/** Forgets with the tool. The id decides the version, so every version is used. */
export function forget(handle: MemoryHandle, id: string): Promise<boolean> {
  const version = versions[Number.parseInt(id.slice(-1), 16) % versions.length] as Version;
  return runsTool(version, handle, 'forget', { id });
}

/** Whether a tool call succeeded. The SDK gives the model only the message of an error, not its code. */
async function runsTool(version: Version, handle: MemoryHandle, tool: string, input: object): Promise<boolean> {
  const { type, value } = await toolResult(version, handle, one, tool, input);
  if (type === 'text') return true;
  if (type === 'error-text' && /Not allowed to (write|forget)/.test(value)) return false;
  throw new Error(`The tool ${tool} failed: ${value}`);
}
