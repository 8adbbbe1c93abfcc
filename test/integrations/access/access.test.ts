import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cases } from '../../access/cases';
import { play } from './policies';
import { comparePairs } from './worlds';

// `npm run test:access` plays 1,000 of them.
test('through every adapter a principal sees, writes and forgets what the reference evaluator says', async () => {
  let answers = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    answers += await play(given);
  });
  await fc.assert(property, { seed: 7, numRuns: 25 });
  expect(answers).toBeGreaterThan(1_000);
}, 120_000);

test('what a reader may not see changes nothing that any adapter tells it', async () => {
  await comparePairs({ pairs: 25, seed: 1 });
}, 120_000);
