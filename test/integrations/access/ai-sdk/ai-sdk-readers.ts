import type { MemoryHandle } from 'multi-agent-memory';
import { type Version, versions } from '../../ai-sdk/sdk-versions';
import type { Reader } from '../adapter';
import { numbersIn, query, unlimited } from '../adapter-fixtures';
import { toolResult } from './scripted-tool-call';

/** Every way that returns all readable memories, with each version. */
export const readers: readonly Reader[] = versions.flatMap((version) => [
  {
    name: `${version.name}, recall tool`,
    read: async (handle) => numbersIn((await toolResult(version, handle, unlimited, 'recall', { query })).value),
  },
  {
    name: `${version.name}, middleware`,
    read: (handle) => numbersInPrompt(version, handle, (app) => app.generate(query)),
  },
  {
    name: `${version.name}, middleware with streaming`,
    read: (handle) => numbersInPrompt(version, handle, (app) => app.stream(query)),
  },
]);

async function numbersInPrompt(
  version: Version,
  handle: MemoryHandle,
  call: (app: ReturnType<Version['app']>) => Promise<unknown>,
): Promise<number[]> {
  const app = version.app(handle, [{ say: 'ok' }], { recall: unlimited, maxTokens: 1e9, remember: false });
  await call(app);
  return numbersIn(JSON.stringify(app.prompts()));
}
