import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cases } from './cases';
import { decisionsOf } from './decisions';
import { Distribution } from './distribution';
import { play } from './play';
import { Reference } from './reference';

const seed = 7;

// `npm run test:access` tests 10,000 policies.
test('on every path a store decides as the reference evaluator does, for random policies', async () => {
  const distribution = new Distribution();
  const property = fc.asyncProperty(cases, async (given) => {
    await play(given, distribution);
  });
  await fc.assert(property, { seed, numRuns: 75 });
  expect(distribution.shares().allowed).toBeGreaterThan(0.2);
});

test('at least a fifth of the random decisions allow, and each kind of rule decides at least a twentieth of them', () => {
  const distribution = new Distribution();
  for (const { policy, memories, readers } of fc.sample(cases, { seed, numRuns: 1_000 })) {
    distribution.add(new Reference(policy), decisionsOf(readers, memories));
  }
  expect(distribution.tooRare()).toEqual([]);
});
