import { describe, expect, test } from 'vitest';
import { library } from '../worlds/library';
import { runRaces } from './races';

describe('after an acknowledged revocation', () => {
  test('later calls and deliveries neither return nor change memories to which access was revoked, and everything else works', async () => {
    let done = 0;
    const onRace = () => {
      done++;
    };
    await runRaces(library, { interleavings: 300, seed: 1, onRace });
    expect(done).toBe(300);
  });
});
