import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCycles } from './kill/cycle';
import { buildPrograms, type Programs } from './programs';

// Leaves time for a machine that is busy with other work.
describe('a writing process that ends at a random moment', () => {
  let programs: Programs;
  beforeAll(async () => {
    programs = await buildPrograms('writer');
  });
  afterAll(() => programs.remove());

  test.each([
    ['killed', 15, 1],
    ['exits', 4, 2],
  ] as const)(
    '%s %i times: acknowledged writes exist once, forgotten memories stay forgotten, and no write is half done',
    async (end, cycles, seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'kill-cycles-'));
      let acknowledged = 0;
      const onCycle = (report: { acknowledged: number }) => {
        acknowledged += report.acknowledged;
      };
      await runCycles({ programs, folder, seed, cycles, end, onCycle });
      expect(acknowledged).toBeGreaterThan(cycles);
      rmSync(folder, { recursive: true });
    },
  );
});
