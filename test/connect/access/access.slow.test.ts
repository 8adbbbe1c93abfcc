import { expect, test } from 'vitest';
import { compareWorlds, playPolicies } from './checks';

// `npm run test:access` checks 1,000.
test('over a socket every path returns what the reference evaluator allows, under any policy', async () => {
  expect(await playPolicies(15, { seed: 3 })).toBeGreaterThan(1_000);
});

test('over a socket hidden memories do not change what a reader can observe', async () => {
  await compareWorlds(15, { seed: 3 });
});
