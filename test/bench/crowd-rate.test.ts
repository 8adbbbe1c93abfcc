import { expect, test } from 'vitest';
import { highestRate } from '../../bench/crowd-rate';

test.each([12, 60, 249, 251, 700, 5_000])('finds a limit of %i calls a second to within 2 %%', async (limit) => {
  const { kept, p95 } = await highestRate(async (perSecond) => (perSecond <= limit ? 20 : 1_000));
  expect(kept).toBeLessThanOrEqual(limit);
  expect(kept).toBeGreaterThan(limit * 0.98);
  expect(p95).toBe(20);
});

test('answers 0 if recalls are too slow at every rate', async () => {
  expect((await highestRate(async () => 100)).kept).toBe(0);
});

test('ends if recalls are fast at every rate', async () => {
  expect((await highestRate(async () => 1)).kept).toBeGreaterThan(20_000);
});
