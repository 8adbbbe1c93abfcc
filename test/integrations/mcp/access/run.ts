/**
 * Plays random policies through an MCP server and compares pairs of worlds:
 * `tsx test/integrations/mcp/access/run.ts --policies N --pairs N --seed S`. Exits with 1 at the first difference.
 */
import { parseArgs } from 'node:util';
import { compareWorlds, playPolicies } from './play-over-mcp';

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
  const calls = await playPolicies(policies, seed);
  console.log(`MCP: ${policies} policies with seed ${seed}, ${calls} calls, in ${seconds()} s.`);
  let compared = 0;
  await compareWorlds(pairs, seed, () => {
    if (++compared % 100 === 0) console.log(`  ${compared} pairs, ${seconds()} s`);
  });
  console.log(`MCP: ${pairs} pairs of worlds with seed ${seed} are alike, in ${seconds()} s.`);
}

function seconds(): number {
  return Math.round((performance.now() - began) / 1_000);
}

run().catch((error) => {
  console.error(error);
  console.error('Failed. To repeat it, use the same numbers and seed.');
  process.exitCode = 1;
});
