import { describe, expect, test } from 'vitest';
import { library } from '../worlds/library';
import { runRaces } from './races';

describe('once a revocation is acknowledged', () => {
  test('no later call and no later delivery shows or changes what it revoked; all else goes on', async () => {
    let done = 0;
    const onRace = () => {
      done++;
    };
    await runRaces(library, { interleavings: 300, seed: 1, onRace });
    expect(done).toBe(300);
  });
});
