import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cases } from '../../access/cases';
import { aiSDK } from './ai-sdk/adapter';
import { langchain } from './langchain/adapter';
import { play } from './policies';
import { comparePairs } from './worlds';

// `npm run test:access` plays 1,000 of them. The AI SDK takes its time for every call of a model.
describe.each([
  { adapter: langchain, runs: 25 },
  { adapter: aiSDK, runs: 10 },
])('through $adapter.name', ({ adapter, runs }) => {
  test('a principal sees, writes and forgets what the reference evaluator says', async () => {
    let answers = 0;
    const property = fc.asyncProperty(cases, async (given) => {
      answers += await play(adapter, given);
    });
    await fc.assert(property, { seed: 7, numRuns: runs });
    expect(answers).toBeGreaterThan(1_000);
  });

  test('what a reader may not see changes nothing that it is told', async () => {
    await comparePairs(adapter, { pairs: runs, seed: 1 });
  });
});
