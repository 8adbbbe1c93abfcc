/**
 * Lets several processes use a folder through `connect` and kills the serving process: `npm run test:connect -- --seconds 30`. Exits
 * with 1 if an acknowledged write is lost or was done twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProcesses } from './killed-processes/run-processes';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    processes: { type: 'string', default: '8' },
    kills: { type: 'string', default: '2' },
    perSecond: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});
const [seconds, processes] = [Number(values.seconds), Number(values.processes)];
const [kills, perSecond, seed] = [Number(values.kills), Number(values.perSecond), Number(values.seed)];
const folder = mkdtempSync(join(tmpdir(), 'connect-processes-'));
try {
  const report = await runProcesses({ folder, processes, seconds, kills, perSecond, seed });
  const { acknowledged, unanswered, problems, recalls, recallMs, killed } = report;
  const ms = (share: number) => recallMs[Math.floor(share * (recallMs.length - 1))]?.toFixed(1);
  console.log(`${processes} processes, ${seconds} s, serving processes killed: ${killed.join(', ')}.`);
  console.log(`${acknowledged} writes acknowledged, ${unanswered} writes of killed processes unanswered.`);
  console.log(`${recalls} recalls: median ${ms(0.5)} ms, p95 ${ms(0.95)} ms, longest ${ms(1)} ms.`);
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(problems.length === 0 ? 'No write was lost or done twice.' : `${problems.length} problems.`);
  if (problems.length > 0 || acknowledged === 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
