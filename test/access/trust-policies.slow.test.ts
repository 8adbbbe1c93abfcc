import fc from 'fast-check';
import { expect, test } from 'vitest';
import { playTrust, trustCases } from './trust-policies';
import { brokenTrust } from './trust-reference';

const seed = 11;

// `npm run test:access` plays 10,000.
test('every read returns what the ceilings allow, as a reference and Cedar say, after each change of random ceilings', async () => {
  const trust = [0, 0, 0, 0];
  const property = fc.asyncProperty(trustCases, async (given) => {
    for (const [level, count] of (await playTrust(given)).trust.entries()) trust[level] = (trust[level] ?? 0) + count;
  });
  await fc.assert(property, { seed, numRuns: 40 });
  expect(Math.min(...trust)).toBeGreaterThan(trust.reduce((sum, each) => sum + each) / 50);
});

test.each(Object.entries(brokenTrust))('a wrong reference is found: %s', async (_, kind) => {
  const property = fc.asyncProperty(trustCases, async (given) => {
    await playTrust(given, kind);
  });
  const { failed, errorInstance } = await fc.check(property, { seed, numRuns: 200, endOnFailure: true });
  expect(failed).toBe(true);
  expect(errorInstance).toHaveProperty('code', 'ERR_ASSERTION');
});
