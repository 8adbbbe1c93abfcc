/**
 * Tries to break the storage of a node: `npm run test:storage -- --cycles 1000 --cuts 10000 --seed 1` kills a process that stores works of a
 * node, and cuts the power of simulated disks. With `--flips` it flips each bit of each byte of a node's files instead. Exits with 1 if something
 * that was confirmed is lost or served wrong.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPrograms } from '../../faults/programs';
import { exampleNode, filesOf, flipOf, startDamaged } from './damage';
import { runKills } from './kills';
import { runCuts, runFullDisks } from './recovery';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '200' },
    cuts: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
    flips: { type: 'boolean', default: false },
  },
});
const seed = whole('seed', values.seed);
const cutsPerLife = 15;

try {
  if (values.flips) await flipAll();
  else {
    await cutAll(whole('cuts', values.cuts));
    await killAll(whole('cycles', values.cycles));
  }
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
}

async function flipAll(): Promise<void> {
  for (const end of ['killed', 'closed'] as const) {
    const node = await exampleNode(seed, end);
    for (const [path, size] of filesOf(node)) {
      const report = { healed: 0, halted: 0 };
      for (let at = 0; at < size; at++)
        for (let bit = 0; bit < 8; bit += 3) await startDamaged(node, path, flipOf(at, (bit + at) % 8), report);
      console.log(`  ${end}: ${path}, ${size} bytes: ${report.healed} times healed, ${report.halted} times halted`);
    }
  }
}

async function cutAll(cuts: number): Promise<void> {
  // One life on a disk with room, and one on a disk that is full at times.
  const lives = Math.ceil(cuts / cutsPerLife / 2);
  for (let life = 0; life < lives; life++) {
    const lifeSeed = seed * 100_000 + life;
    for (const run of [runCuts, runFullDisks])
      await run(lifeSeed, cutsPerLife).catch((cause: unknown) => {
        throw new Error(`To see it again: ${run.name}(${lifeSeed}, ${cutsPerLife})`, { cause });
      });
  }
  console.log(`  ${lives * cutsPerLife * 2} cuts of the power and kills on simulated disks: nothing is lost.`);
}

async function killAll(cycles: number): Promise<void> {
  const programs = await buildPrograms('node-writer');
  const folder = mkdtempSync(join(tmpdir(), 'node-kills-'));
  let confirmed = 0;
  try {
    const onCycle = ({ done }: { readonly done: number }) => {
      confirmed += done;
    };
    await runKills({ programs, folder, seed, cycles, onCycle });
    console.log(`  ${cycles} kills, ${confirmed} confirmed calls: nothing is lost.`);
    rmSync(folder, { recursive: true });
  } finally {
    programs.remove();
  }
}

function whole(name: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0, not ${given}.`);
  process.exit(2);
}
