import type { MemoryHandle } from 'multi-agent-memory';
import { type Version, versions } from '../../ai-sdk/versions';
import type { Way } from '../adapter';
import { everything, numbersIn, query } from '../written';
import { toolResult } from './tool-call';

/** Every way that shows everything, in each version. */
export const ways: readonly Way[] = versions.flatMap((version) => [
  {
    name: `${version.name}, recall tool`,
    see: async (handle) => numbersIn((await toolResult(version, handle, everything, 'recall', { query })).value),
  },
  {
    name: `${version.name}, middleware`,
    see: (handle) => promptedWith(version, handle, (app) => app.generate(query)),
  },
  {
    name: `${version.name}, middleware of a stream`,
    see: (handle) => promptedWith(version, handle, (app) => app.stream(query)),
  },
]);

async function promptedWith(
  version: Version,
  handle: MemoryHandle,
  call: (app: ReturnType<Version['app']>) => Promise<unknown>,
): Promise<number[]> {
  const app = version.app(handle, [{ say: 'ok' }], { recall: everything, maxTokens: 1e9, remember: false });
  await call(app);
  return numbersIn(JSON.stringify(app.prompts()));
}
