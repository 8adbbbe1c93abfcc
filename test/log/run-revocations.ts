import { parseArgs } from 'node:util';
import { revoke } from './revocations';

// Takes rules away in clusters with faults. Run: npx tsx test/log/run-revocations.ts --revocations 10000 [--from 1]

const { values } = parseArgs({
  options: { revocations: { type: 'string', default: '10000' }, from: { type: 'string', default: '1' } },
});
const failed: number[] = [];
let [acknowledged, reads] = [0, 0];
for (let seed = Number(values.from); acknowledged < Number(values.revocations); seed++) {
  const revoked = await revoke(60, seed);
  if (revoked.stale > 0) failed.push(seed);
  acknowledged += revoked.acknowledged;
  reads += revoked.reads;
}
console.log(
  `${acknowledged} revocations, ${reads} reads after them, stale with the seeds: ${failed.join(', ') || 'none'}.`,
);
if (failed.length > 0) process.exitCode = 1;
