/**
 * Erases many subjects with canaries in every field, kills every second erasure, and restores backups from before erasures with the receipts:
 * `npm run test:erasure -- --cycles N --seed S`. Exits with 1 if a canary is left anywhere. `--no-kills` kills nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPrograms } from '../faults/programs';
import { playCourse } from './courses';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    'no-kills': { type: 'boolean', default: false },
  },
});
const cycles = Number(values.cycles);
const firstSeed = Number(values.seed);
const erasuresPerStore = 20;

const programs = values['no-kills'] ? undefined : await buildPrograms('eraser');
const parent = mkdtempSync(join(tmpdir(), 'erasures-'));
const total = { erasures: 0, kills: 0, restores: 0 };
let seed = firstSeed;
try {
  for (; total.erasures < cycles; seed++) {
    const erasures = Math.min(erasuresPerStore, cycles - total.erasures);
    const report = await playCourse({ parent, seed, erasures, ...(programs && { programs }) });
    for (const key of ['erasures', 'kills', 'restores'] as const) total[key] += report[key];
    console.log(
      `  seed ${seed}: ${total.erasures} erasures, ${total.kills} killed, ${total.restores} backups restored`,
    );
  }
  rmSync(parent, { recursive: true });
  console.log(`All is well: no canary is left, and nothing came back.`);
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  console.error(
    `Violated. To see it again: npm run test:erasure -- --cycles ${erasuresPerStore} --seed ${seed}. ${parent}`,
  );
  process.exitCode = 1;
} finally {
  programs?.remove();
}
