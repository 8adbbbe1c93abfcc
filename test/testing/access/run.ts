/**
 * Checks a follower of a cluster with generated policies and pairs of worlds:
 * `tsx test/testing/access/run.ts --policies N --pairs N --seed S`. Rejects at the first difference.
 */
import { parseArgs } from 'node:util';
import { compareWorldsIn, playPoliciesIn } from '../../access/other-library';
import { following } from './following';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '200' },
    pairs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const [policies, pairs, seed] = [values.policies, values.pairs, values.seed].map(Number) as [number, number, number];
// The time of a cluster in memory keeps no process alive.
const alive = setInterval(() => undefined, 1_000);
const calls = await playPoliciesIn(following, policies, { seed });
console.log(`On a follower: ${policies} policies with seed ${seed}, ${calls} reads.`);
await compareWorldsIn(following, pairs, { seed });
console.log(`On a follower: ${pairs} pairs of worlds with seed ${seed} look alike.`);
clearInterval(alive);
