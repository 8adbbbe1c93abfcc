/**
 * Kills the processes of a cluster of three nodes again and again, while callers write: `npm run test:cluster -- --cycles N --seed S`.
 * With `--partitions N` it partitions the network between three nodes instead, in one or in both directions. With `--canaries N` it forgets
 * so many texts and looks for them in all files of all nodes, and with `--flips N` it flips bits in all files of a node. Exits with 1 if an
 * acknowledged write is lost or was done twice, if the nodes differ, if a forgotten text is left in a log, or anywhere after a purge, or if a node serves wrong memories.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runErasure } from './erasure';
import { runFlips } from './flips';
import { type Fault, runCycles } from './kill-cycles';
import { runPartitions } from './partitions';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    partitions: { type: 'string', default: '0' },
    canaries: { type: 'string', default: '0' },
    flips: { type: 'string', default: '0' },
    writers: { type: 'string', default: '4' },
  },
});
if (Number(values.canaries) > 0) await erase();
else if (Number(values.flips) > 0) await flip();
else if (Number(values.partitions) > 0) await partition();
else await kill();

async function partition(): Promise<void> {
  const { partitions, acknowledged, problems } = await runPartitions({
    count: Number(values.partitions),
    seed: Number(values.seed),
    onPartition: (line) => console.log(line),
  });
  for (const kind of new Set(partitions.map((each) => each.kind))) {
    const ofKind = partitions.filter((each) => each.kind === kind);
    const terms = ofKind.map((each) => each.terms).sort((a, b) => a - b);
    tell(
      kind,
      'healed after',
      ofKind.map(({ healedMs }) => healedMs),
    );
    console.log(`  terms: median ${terms[terms.length >> 1]}, most ${terms.at(-1)}.`);
  }
  conclude(acknowledged, problems);
}

async function erase(): Promise<void> {
  await withFolder(async (folder) => {
    const snapshotEveryMs = 5_000;
    const { canaries, seed } = { canaries: Number(values.canaries), seed: Number(values.seed) };
    const { held, erasedMs, copies, problems } = await runErasure({ folder, canaries, seed, snapshotEveryMs });
    console.log(`${canaries} texts were in ${held.join(', ')}. Snapshots are made every ${snapshotEveryMs} ms.`);
    console.log(`The nodes held none of them but copies after ${erasedMs.map((ms) => ms.toFixed(0)).join(', ')} ms.`);
    console.log(`Before the purge, ${copies} of ${canaries} texts were left in unused parts of pages.`);
    for (const problem of problems) console.error(`  A text is left in ${problem}`);
    if (problems.length > 0 || held.length < 3) process.exitCode = 1;
  });
}

async function flip(): Promise<void> {
  await withFolder(async (folder) => {
    const options = { folder, flips: Number(values.flips), seed: Number(values.seed) };
    const { files, opened, refused, problems } = await runFlips(options);
    for (const [kind, count] of files) console.log(`${kind}: ${count} bits`);
    console.log(`The node opened ${opened} times and refused to ${refused} times.`);
    for (const problem of problems) console.error(`  ${problem}`);
    console.log(problems.length === 0 ? 'No wrong memory was served.' : `${problems.length} problems.`);
    if (problems.length > 0) process.exitCode = 1;
  });
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-run-'));
  // A network within the process keeps it as little alive as a store does.
  const alive = setInterval(() => undefined, 1_000);
  try {
    await run(folder);
  } finally {
    clearInterval(alive);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function kill(): Promise<void> {
  await withFolder(async (folder) => {
    const report = await runCycles({
      folder,
      cycles: Number(values.cycles),
      seed: Number(values.seed),
      writers: Number(values.writers),
      onFault: (line) => console.log(line),
    });
    const { faults, acknowledged, repeated, problems } = report;
    for (const kind of ['leader', 'follower', 'wipe', 'freeze', 'cut', 'isolate', 'all'] satisfies Fault[]) {
      const gaps = faults.filter(({ fault }) => fault === kind).map(({ gapMs }) => gapMs);
      if (gaps.length > 0) tell(kind, 'gap', gaps);
    }
    console.log(`${repeated} times a write was sent again.`);
    conclude(acknowledged, problems);
  });
}

function tell(kind: string, what: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const ms = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(0);
  console.log(
    `${kind}: ${sorted.length} times, ${what} median ${ms(0.5)} ms, p95 ${ms(0.95)} ms, longest ${ms(1)} ms.`,
  );
}

function conclude(acknowledged: number, problems: readonly string[]): void {
  console.log(`${acknowledged} writes acknowledged.`);
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(problems.length === 0 ? 'No write was lost or done twice.' : `${problems.length} problems.`);
  if (problems.length > 0 || acknowledged === 0) process.exitCode = 1;
}
