import { expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { runCycles } from './kill-cycles';

// `npm run test:cluster` runs longer, and prints how long the cluster took to answer again.
test('a cluster whose processes are killed loses no acknowledged write, does none twice, and is the same on all nodes', async () => {
  const folder = await temporaryFolder();
  const { faults, acknowledged, problems } = await runCycles({ folder, cycles: 7, seed: 1, writers: 3 });
  expect(problems).toEqual([]);
  expect(faults.map(({ fault }) => fault)).toEqual(['leader', 'follower', 'wipe', 'freeze', 'cut', 'all', 'isolate']);
  expect(acknowledged).toBeGreaterThan(80);
});
