import { expect, test } from 'vitest';
import { compareWorlds, playPolicies } from './through-socket';

// `npm run test:access` plays 1,000 of them.
test('through a socket a store does under any policy what the reference evaluator says, on every path', async () => {
  expect(await playPolicies(15, { seed: 3 })).toBeGreaterThan(1_000);
});

test('through a socket what a reader may not see changes nothing that it can learn', async () => {
  await compareWorlds(15, { seed: 3 });
});
