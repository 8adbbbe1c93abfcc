/**
 * Kills the processes of a cluster of three nodes again and again, while callers write: `npm run test:cluster -- --cycles N --seed S`.
 * Exits with 1 if an acknowledged write is lost or was done twice, or if the nodes differ.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Fault, runCycles } from './kill-cycles';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    writers: { type: 'string', default: '4' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'cluster-processes-'));
try {
  const report = await runCycles({
    folder,
    cycles: Number(values.cycles),
    seed: Number(values.seed),
    writers: Number(values.writers),
    onFault: (line) => console.log(line),
  });
  const { faults, acknowledged, repeated, problems } = report;
  for (const kind of ['leader', 'follower', 'wipe', 'freeze', 'cut', 'all'] satisfies Fault[]) {
    const gaps = faults.filter(({ fault }) => fault === kind).map(({ gapMs }) => gapMs);
    if (gaps.length === 0) continue;
    gaps.sort((a, b) => a - b);
    const ms = (share: number) => gaps[Math.floor(share * (gaps.length - 1))]?.toFixed(0);
    console.log(`${kind}: ${gaps.length} times, gap median ${ms(0.5)} ms, p95 ${ms(0.95)} ms, longest ${ms(1)} ms.`);
  }
  console.log(`${acknowledged} writes acknowledged, ${repeated} times one was sent again.`);
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(problems.length === 0 ? 'No write was lost or done twice.' : `${problems.length} problems.`);
  if (problems.length > 0 || acknowledged === 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
