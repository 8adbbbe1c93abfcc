import { parseArgs } from 'node:util';
import { revoke } from './revocations';

// Takes memories away from a reader of real stores, one of which is cut off. Run: npx tsx test/testing/run-revocations.ts --rounds 1000 [--seed 1]

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
// The time of a cluster in memory keeps no process alive.
const alive = setInterval(() => undefined, 1_000);
const { leaks, refused, hidden, readable } = await revoke(Number(values.rounds), Number(values.seed));
console.log(
  `${values.rounds} rounds: ${readable} reads before, ${refused} refused and ${hidden} without a result after.`,
);
for (const leak of leaks) console.error(`  ${leak}`);
if (leaks.length > 0) process.exitCode = 1;
clearInterval(alive);
