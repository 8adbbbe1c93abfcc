import { expect, test } from 'vitest';
import { compareWorldsIn, playPoliciesIn } from '../../access/other-library';
import { following } from './following';

// `npx tsx test/testing/access/run.ts` plays more, with other seeds.
test('on a follower every path returns what the reference evaluator allows, under any policy', async () => {
  expect(await playPoliciesIn(following, 15, { seed: 5 })).toBeGreaterThan(1_000);
});

test('on a follower hidden memories do not change what a reader can observe', async () => {
  await compareWorldsIn(following, 15, { seed: 5 });
});
