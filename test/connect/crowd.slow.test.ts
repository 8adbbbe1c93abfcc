import { expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { runCrowd } from './crowd/crowd';

// Disks and processors that others use too may take their time.
// `npm run test:connect` does it for longer, with more processes.
test('processes whose holder is killed lose nothing that was acknowledged, and do nothing twice', async () => {
  const folder = await temporaryFolder();
  const report = await runCrowd({ folder, processes: 4, seconds: 6, kills: 2, perSecond: 120, seed: 1 });
  expect(report.problems).toEqual([]);
  expect(report.killed).toHaveLength(2);
  expect(report.acknowledged).toBeGreaterThan(50);
});
