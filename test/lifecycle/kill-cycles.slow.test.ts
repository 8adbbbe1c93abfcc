import { expect, onTestFinished, test } from 'vitest';
import { buildPrograms } from '../faults/programs';
import { temporaryFolder } from '../store/stores';
import { runKillCycles } from './kill-cycles';

// `npm run test:lifecycle -- --cycles 2000` kills more.
test('a process that is killed while it consolidates, forgets, erases, purges and ends holds loses nothing and keeps nothing', async () => {
  const programs = await buildPrograms('lifecycle');
  onTestFinished(() => programs.remove());
  const report = await runKillCycles({ programs, parent: await temporaryFolder(), seed: 1, cycles: 8 });
  expect(report.cycles).toBe(8);
  expect(report.asked).toBeGreaterThan(0);
});
