import * as direct from 'multi-agent-memory';
import { type CheckOptions, compareWorldsIn, playPoliciesIn } from '../../access/other-library';
import type { Library } from '../../worlds/library';
import { connectedLibrary } from '../connected-library';

const { MemoryStore } = connectedLibrary(direct);
const connected: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
  // A call and its answer take three turns of the event loop.
  turns: 12,
};

/** Checks connected stores with this many policies. Resolves to the number of reads. */
export function playPolicies(policies: number, options: CheckOptions): Promise<number> {
  return playPoliciesIn(connected, policies, options);
}

/** Compares this many pairs of worlds in connected stores. */
export function compareWorlds(pairs: number, options: CheckOptions): Promise<void> {
  return compareWorldsIn(connected, pairs, options);
}
