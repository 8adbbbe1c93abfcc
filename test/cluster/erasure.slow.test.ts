import { expect, test } from 'vitest';
import { temporaryFolder } from '../store/stores';
import { runErasure } from './erasure';

// `npm run test:cluster -- --canaries 200` writes more.
test('a forgotten text is in no log after twice the time between two snapshots, and in no file after a purge of each node and one more write', async () => {
  const folder = await temporaryFolder();
  const report = await runErasure({ folder, canaries: 12, seed: 1, snapshotEveryMs: 1_500 });
  expect([...report.held].sort()).toEqual(['database', 'log', 'snapshot']);
  expect(report.problems).toEqual([]);
  expect(Math.max(...report.erasedMs)).toBeLessThan(Number.POSITIVE_INFINITY);
});
