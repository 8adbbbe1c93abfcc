/**
 * Plays random policies through every adapter and compares pairs of worlds:
 * `tsx test/integrations/access/run.ts --policies N --pairs N --seed S`. `--only 'AI SDK'` selects one adapter. Exits with 1 at the
 * first difference. The same seed repeats the same run.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { cases } from '../../access/cases';
import type { Adapter } from './adapter';
import { aiSDK } from './ai-sdk/ai-sdk-adapter';
import { comparePairs } from './compare-worlds';
import { langchain } from './langchain/langchain-adapter';
import { play } from './play-policy';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const [policies, pairs, seed] = [values.policies, values.pairs, values.seed].map(Number) as [number, number, number];
const began = performance.now();

async function run(adapter: Adapter): Promise<void> {
  const { name } = adapter;
  let [answers, played, compared] = [0, 0, 0];
  const property = fc.asyncProperty(cases, async (given) => {
    answers += await play(adapter, given);
    if (++played % 100 === 0) console.log(`  ${played} policies`);
  });
  await fc.assert(property, { seed, numRuns: policies });
  console.log(`${name}: ${policies} policies with seed ${seed}, ${answers} answers, after ${seconds()} s.`);
  const onPair = () => {
    if (++compared % 100 === 0) console.log(`  ${compared} pairs`);
  };
  await comparePairs(adapter, { pairs, seed, onPair });
  console.log(`${name}: ${pairs} pairs of worlds with seed ${seed} are alike, after ${seconds()} s.`);
}

function seconds(): number {
  return Math.round((performance.now() - began) / 1_000);
}

try {
  const adapters = [langchain, aiSDK].filter(({ name }) => name.includes(values.only));
  if (adapters.length === 0) throw new Error(`Unknown adapter ${values.only}.`);
  for (const adapter of adapters) await run(adapter);
} catch (error) {
  console.error(error);
  console.error('Failed. To repeat it, use the same numbers and seed.');
  process.exitCode = 1;
}
