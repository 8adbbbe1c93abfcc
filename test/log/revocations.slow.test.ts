import { expect, test } from 'vitest';
import { revoke } from './revocations';

// `npx tsx test/log/run-revocations.ts` makes 10,000.
test('no peer serves a read from before a revocation that was acknowledged: 2,000 revocations with faults', async () => {
  let acknowledged = 0;
  for (let seed = 1_001; acknowledged < 2_000; seed += 1) {
    const revoked = await revoke(60, seed);
    expect(revoked.stale, `seed ${seed}`).toBe(0);
    acknowledged += revoked.acknowledged;
  }
});
