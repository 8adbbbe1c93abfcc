/**
 * The large proofs of the lifecycle of memories, each with a size of its own:
 *
 * - `npm run test:lifecycle -- --cycles N --seed S` kills a process again and again while it consolidates, forgets, erases, purges and ends
 *   holds.
 * - `--holds N`, `--histories N`, `--undos N`, `--lies N`, `--graphs N`, `--containments N` run a daily test in this size; see `proof-sizes.ts`.
 *
 * Exits with 1 if a proof fails. Several sizes run one after the other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createVitest } from 'vitest/node';
import { buildPrograms } from '../faults/programs';
import { type KillReport, runKillCycles } from './kill-cycles';
import { type SizedTest, sizedTests } from './proof-sizes';

const size = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    ...{ cycles: size, holds: size, histories: size, undos: size, lies: size, graphs: size, containments: size },
  },
});
const cyclesPerStore = 20;
const dayMs = 24 * 60 * 60 * 1000;

if (values.cycles !== undefined) await kill(whole('cycles', values.cycles), whole('seed', values.seed));
for (const name of Object.keys(sizedTests) as SizedTest[]) {
  const given = values[name];
  if (given !== undefined) await test(name, whole(name, given));
}

async function kill(cycles: number, firstSeed: number): Promise<void> {
  const programs = await buildPrograms('lifecycle');
  const parent = mkdtempSync(join(tmpdir(), 'lifecycle-'));
  const reports: KillReport[] = [];
  const total = (of: 'cycles' | 'asked' | 'askedAgain') => reports.reduce((sum, report) => sum + report[of], 0);
  let seed = firstSeed;
  try {
    for (; total('cycles') < cycles; seed++) {
      const some = Math.min(cyclesPerStore, cycles - total('cycles'));
      reports.push(await runKillCycles({ programs, parent, seed, cycles: some }));
      console.log(`  seed ${seed}: ${total('cycles')} kills, ${told(reports)}`);
    }
    rmSync(parent, { recursive: true });
    const calls = `${total('asked')} calls of the summarizer, ${total('askedAgain')} groups asked about again`;
    console.log(`All is well: ${total('cycles')} kills from seed ${firstSeed} on, ${told(reports)}, ${calls}.`);
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error);
    console.error(`Violated. To see it again: npm run test:lifecycle -- --cycles ${cyclesPerStore} --seed ${seed}`);
    process.exitCode = 1;
  } finally {
    programs.remove();
  }
}

/** How many works of each kind were cut off. */
function told(reports: readonly KillReport[]): string {
  const counts = new Map<string, number>();
  for (const { cutOff } of reports)
    for (const [type, count] of cutOff) counts.set(type, (counts.get(type) ?? 0) + count);
  return [...counts].map(([type, count]) => `${count} in ${type}`).join(', ');
}

async function test(name: SizedTest, count: number): Promise<void> {
  const { file, title } = sizedTests[name];
  const vitest = await createVitest('test', {
    config: fileURLToPath(new URL('../vitest.config.ts', import.meta.url)),
    ...{ project: 'daily', testNamePattern: title, testTimeout: dayMs, watch: false },
  });
  vitest.provide(name, count);
  const began = performance.now();
  await vitest.start([file]);
  await vitest.close();
  console.log(`${name}: ${count} in ${Math.round((performance.now() - began) / 1_000)} s.`);
}

function whole(name: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0, not ${given}.`);
  process.exit(2);
}
