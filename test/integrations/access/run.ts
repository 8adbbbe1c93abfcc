/**
 * Plays generated policies through every adapter, and compares pairs of worlds:
 * `tsx test/integrations/access/run.ts --policies N --pairs N --seed S`. Ends with 1 at the first difference; the same seed asks
 * for the same again.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { cases } from '../../access/cases';
import { play } from './policies';
import { comparePairs } from './worlds';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
});
const [policies, pairs, seed] = [values.policies, values.pairs, values.seed].map(Number) as [number, number, number];
const began = performance.now();

async function run(): Promise<void> {
  let answers = 0;
  let played = 0;
  const property = fc.asyncProperty(cases, async (given) => {
    answers += await play(given);
    if (++played % 100 === 0) console.log(`  ${played} policies`);
  });
  await fc.assert(property, { seed, numRuns: policies });
  console.log(`Adapters: ${policies} policies with seed ${seed}, ${answers} answers, in ${seconds()} s.`);
  await comparePairs({ pairs, seed });
  console.log(`Adapters: ${pairs} pairs of worlds with seed ${seed} are alike, in ${seconds()} s.`);
}

function seconds(): number {
  return Math.round((performance.now() - began) / 1_000);
}

run().catch((error) => {
  console.error(error);
  console.error('Violated. To see it again, give the same numbers and seed.');
  process.exitCode = 1;
});
