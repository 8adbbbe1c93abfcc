import { expect, test } from 'vitest';
import { revoke } from './revocations';

// `revocations.slow.test.ts` makes more.
test('no node serves a read by a permission whose end was acknowledged, also one that is cut off', async () => {
  const { leaks, refused, hidden, readable } = await revoke(15, 1);
  expect(leaks).toEqual([]);
  expect(refused + hidden).toBe(45);
  // The node that is cut off has served reads a moment before, and found the memory.
  expect(readable).toBeGreaterThan(10);
});
