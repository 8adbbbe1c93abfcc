/**
 * Kills a writing process again and again, and compares the store with the acknowledged writes:
 * `npm run test:faults -- --cycles N --seed S`; with `--moves` while the process moves the store between embedding spaces. Exits with 1
 * if they differ. The same seed makes the same calls.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CycleReport, runCycles } from './kill/cycle';
import { runMoveCycles } from './kill/moves';
import { buildPrograms } from './programs';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    moves: { type: 'boolean', default: false },
  },
});
const cycles = whole('cycles', values.cycles);
const seed = whole('seed', values.seed);

const programs = await buildPrograms(values.moves ? 'mover' : 'writer');
const folder = mkdtempSync(join(tmpdir(), 'kill-cycles-'));
let acknowledged = 0;
let open = 0;

function onCycle(report: CycleReport): void {
  acknowledged += report.acknowledged;
  open += report.open;
  const { cycle, memories, tookMs } = report;
  const each = `${report.acknowledged} acknowledged, ${report.open} under way, ${memories} memories`;
  console.log(`  cycle ${String(cycle).padStart(5)}  ${each}, ${Math.round(tookMs)} ms`);
}

try {
  if (values.moves) {
    const onMoves = ({ cycle, memories, moves }: { cycle: number; memories: number; moves: number }) =>
      console.log(`  cycle ${String(cycle).padStart(5)}  ${moves} moves, ${memories} memories`);
    await runMoveCycles({ programs, folder, seed, cycles, onCycle: onMoves });
  } else await runCycles({ programs, folder, seed, cycles, end: 'killed', onCycle });
  rmSync(folder, { recursive: true });
  console.log(
    `All is well: ${cycles} cycles with seed ${seed}${values.moves ? '' : `, ${acknowledged} acknowledged calls, ${open} cut off`}.`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  console.error(
    `Violated. To see it again: npm run test:faults -- --cycles ${cycles} --seed ${seed}${values.moves ? ' --moves' : ''}`,
  );
  process.exitCode = 1;
} finally {
  programs.remove();
}

function whole(name: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0, not ${given}.`);
  process.exit(2);
}
