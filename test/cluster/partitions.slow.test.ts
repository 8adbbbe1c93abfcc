import { expect, test } from 'vitest';
import { runPartitions } from './partitions';

// `npm run test:cluster -- --partitions 300` runs longer, and prints how long the nodes took to answer again.
test('a cluster that is partitioned in one or both directions loses no acknowledged write, and does none twice', async () => {
  const { partitions, acknowledged, problems } = await runPartitions({ count: 6, seed: 1 });
  expect(problems).toEqual([]);
  expect(new Set(partitions.map(({ kind }) => kind)).size).toBe(5);
  expect(acknowledged).toBeGreaterThan(100);
  // A node that was cut off does not force an election when it comes back. The leader itself may have been cut off.
  for (const { terms } of partitions) expect(terms).toBeLessThanOrEqual(3);
});
