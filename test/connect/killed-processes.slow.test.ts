import { expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { runProcesses } from './killed-processes/run-processes';

// Generous, for machines whose disks and processors are busy.
// `npm run test:connect` runs longer, with more processes.
test('if serving processes are killed, no acknowledged write is lost and no write is done twice', async () => {
  const folder = await temporaryFolder();
  const report = await runProcesses({ folder, processes: 4, seconds: 6, kills: 2, perSecond: 120, seed: 1 });
  expect(report.problems).toEqual([]);
  expect(report.killed).toHaveLength(2);
  expect(report.acknowledged).toBeGreaterThan(50);
});
