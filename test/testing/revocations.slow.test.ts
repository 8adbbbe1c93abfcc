import { expect, test } from 'vitest';
import { revoke } from './revocations';

test.each([2, 3, 4, 5])('no node serves a memory that was taken away from the reader, with seed %i', async (seed) => {
  const { leaks, readable } = await revoke(250, seed);
  expect(leaks).toEqual([]);
  expect(readable).toBeGreaterThan(150);
});
