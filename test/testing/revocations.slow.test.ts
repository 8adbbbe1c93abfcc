import { expect, test } from 'vitest';
import { revoke } from './revocations';

test.each([2])('no node serves a memory that was taken away from the reader, with seed %i', async (seed) => {
  const { leaks, readable } = await revoke(60, seed);
  expect(leaks).toEqual([]);
  expect(readable).toBeGreaterThan(36);
});
