import * as direct from 'multi-agent-memory';
import type { Library } from '../../worlds/library';
import { followerLibrary } from '../follower-library';

const { MemoryStore } = followerLibrary(direct);

/** The library whose stores follow in a cluster, for the checks of access. */
export const following: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
  // A write goes to the leader and comes back, and the time of the cluster passes meanwhile.
  turns: 40,
  sweeps: true,
};
