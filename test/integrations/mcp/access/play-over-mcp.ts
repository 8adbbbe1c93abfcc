import fc from 'fast-check';
import { MemoryStore } from 'multi-agent-memory';
import { cases } from '../../../access/cases';
import { Distribution } from '../../../access/distribution';
import { play } from '../../../access/play';
import { Reference } from '../../../access/reference';
import { World } from '../../../access/world';
import type { Library } from '../../../worlds/library';
import { comparePairs } from '../../../worlds/worlds';
import { overMcp } from './mcp-handle';

const overMcpLibrary: Library = {
  inMemory: async (options) => overMcp(await MemoryStore.inMemory(options)),
  open: async (folder, options) => overMcp(await MemoryStore.open(folder, options)),
};

/** Plays random policies with handles that call an MCP server. Resolves to the number of calls. */
export async function playPolicies(policies: number, seed: number): Promise<number> {
  const distribution = new Distribution();
  let calls = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    calls += (await play(given, distribution, Reference, World, overMcpLibrary)).calls;
  });
  await fc.assert(property, { seed, numRuns: policies });
  return calls;
}

/** Compares pairs of worlds whose reader calls an MCP server. */
export function compareWorlds(pairs: number, seed: number, onPair?: () => void): Promise<void> {
  return comparePairs(overMcpLibrary, { pairs, seed, onPair });
}
