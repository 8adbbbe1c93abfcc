/**
 * Plays generated policies against stores at the other end of a socket, and compares pairs of worlds there:
 * `tsx test/connect/access/run.ts --policies N --pairs N --seed S`. Ends with 1 at the first difference.
 */
import { parseArgs } from 'node:util';
import { compareWorlds, playPolicies } from './through-socket';

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
  console.log(`Through connect: ${pairs} pairs of worlds with seed ${seed} are alike, after ${seconds()} s.`);
} catch (error) {
  console.error(error);
  console.error('Violated. To see it again, give the same numbers and seed.');
  process.exitCode = 1;
}
