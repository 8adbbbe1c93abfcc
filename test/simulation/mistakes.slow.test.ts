import { describe, expect, test } from 'vitest';
import { Random } from '../faults/random';
import { firstFinding, loadBroken } from './broken-simulation';
import { simulationMistakes } from './mistakes';

// All of them take minutes: `npx tsx test/simulation/run-mistakes.ts`.
const planted = new Random(1).sample(simulationMistakes, 6);

describe('the simulator finds within 2,000 seeds', () => {
  test.each(planted)('$name', async (mistake) => {
    expect(firstFinding(await loadBroken(mistake), { from: 1, count: 2_000 })).toBeDefined();
  });
});
