import * as direct from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { compareWorldsIn, playPoliciesIn } from '../../access/other-library';
import type { Library } from '../../worlds/library';
import { followerLibrary } from '../follower-library';

const { MemoryStore } = followerLibrary(direct);
const following: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
  // A write goes to the leader and comes back, and the time of the cluster passes meanwhile.
  turns: 40,
};

test('on a follower every path returns what the reference evaluator allows, under any policy', async () => {
  expect(await playPoliciesIn(following, 15, { seed: 5 })).toBeGreaterThan(1_000);
});

test('on a follower hidden memories do not change what a reader can observe', async () => {
  await compareWorldsIn(following, 15, { seed: 5 });
});
