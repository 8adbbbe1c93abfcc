import fc from 'fast-check';
import { MemoryStore } from 'multi-agent-memory';
import { cases } from '../../../access/cases';
import { Distribution } from '../../../access/distribution';
import { play } from '../../../access/play';
import { Reference } from '../../../access/reference';
import { World } from '../../../access/world';
import type { Library } from '../../../worlds/library';
import { comparePairs } from '../../../worlds/worlds';
import { overMcp } from './handle-over-mcp';

const overMcpLibrary: Library = {
  inMemory: async (options) => overMcp(await MemoryStore.inMemory(options)),
  open: async (folder, options) => overMcp(await MemoryStore.open(folder, options)),
};

/** Plays so many policies with handles that answer through an MCP server. Resolves to the number of calls. */
export async function playPolicies(policies: number, seed: number): Promise<number> {
  const distribution = new Distribution();
  let calls = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    calls += (await play(given, distribution, Reference, World, overMcpLibrary)).calls;
  });
  await fc.assert(property, { seed, numRuns: policies });
  return calls;
}

/** Compares so many pairs of worlds, whose reader asks through an MCP server. */
export function compareWorlds(pairs: number, seed: number, onPair?: () => void): Promise<void> {
  return comparePairs(overMcpLibrary, { pairs, seed, onPair });
}
