import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cases } from '../../access/cases';
import { aiSDK } from './ai-sdk/ai-sdk-adapter';
import { comparePairs } from './compare-worlds';
import { langchain } from './langchain/langchain-adapter';
import { play } from './play-policy';

// `npm run test:access` plays 1,000 policies. The AI SDK gets fewer here, because each of its model calls is slow.
describe.each([
  { adapter: langchain, runs: 12 },
  { adapter: aiSDK, runs: 7 },
])('through $adapter.name', ({ adapter, runs }) => {
  test('a principal reads, writes and forgets what the reference evaluator allows', async () => {
    let answers = 0;
    const property = fc.asyncProperty(cases, async (given) => {
      answers += await play(adapter, given);
    });
    await fc.assert(property, { seed: 7, numRuns: runs });
    expect(answers).toBeGreaterThan(1_000);
  });

  test('hidden memories change nothing that a reader gets', async () => {
    await comparePairs(adapter, { pairs: runs, seed: 1 });
  });
});
