/**
 * Processes that share a folder through `connect`, and whose holder is killed: `npm run test:connect -- --seconds 30`. Ends with 1
 * where a write that was acknowledged is lost, or one was done twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCrowd } from './crowd/crowd';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    processes: { type: 'string', default: '8' },
    kills: { type: 'string', default: '2' },
    perSecond: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});
const [seconds, processes, kills, perSecond, seed] = [
  ...[values.seconds, values.processes, values.kills, values.perSecond, values.seed].map(Number),
] as [number, number, number, number, number];
const folder = mkdtempSync(join(tmpdir(), 'connect-crowd-'));
try {
  const report = await runCrowd({ folder, processes, seconds, kills, perSecond, seed });
  const { acknowledged, unanswered, problems, recalls, recallMs, killed } = report;
  const ms = (share: number) => recallMs[Math.floor(share * (recallMs.length - 1))]?.toFixed(1);
  console.log(`${processes} processes, ${seconds} s, holders killed: ${killed.join(', ')}.`);
  console.log(`${acknowledged} writes acknowledged, ${unanswered} unanswered of those that were killed.`);
  console.log(`${recalls} recalls: median ${ms(0.5)} ms, p95 ${ms(0.95)} ms, longest ${ms(1)} ms.`);
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(problems.length === 0 ? 'Nothing lost, nothing twice.' : `${problems.length} problems.`);
  if (problems.length > 0 || acknowledged === 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
