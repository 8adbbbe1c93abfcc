/**
 * Checks connected stores with generated policies and pairs of worlds:
 * `tsx test/connect/access/run.ts --policies N --pairs N --seed S`. Exits with 1 at the first difference.
 */
import { parseArgs } from 'node:util';
import { compareWorlds, playPolicies } from './checks';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
});
const [policies, pairs, seed] = [values.policies, values.pairs, values.seed].map(Number) as [number, number, number];
const began = performance.now();

function seconds(): number {
  return Math.round((performance.now() - began) / 1_000);
}

function counting(what: string): () => void {
  let count = 0;
  return () => {
    if (++count % 100 === 0) console.log(`  ${count} ${what}, ${seconds()} s`);
  };
}

try {
  const calls = await playPolicies(policies, { seed, onEach: counting('policies') });
  console.log(`Through connect: ${policies} policies with seed ${seed}, ${calls} reads, after ${seconds()} s.`);
  await compareWorlds(pairs, { seed, onEach: counting('pairs') });
  console.log(`Through connect: ${pairs} pairs of worlds with seed ${seed} look alike, after ${seconds()} s.`);
} catch (error) {
  console.error(error);
  console.error('A check failed. The same numbers and seed repeat it.');
  process.exitCode = 1;
}
