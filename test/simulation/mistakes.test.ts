import { describe, expect, test } from 'vitest';
import { editedFiles } from '../mistakes/broken-library';
import { firstFinding, loadBroken } from './broken-simulation';
import { simulationMistakes } from './mistakes';

describe('the mistakes that are planted in the simulator', () => {
  test('have fragments that occur in the source exactly once', () => {
    for (const { edits } of simulationMistakes) expect(() => editedFiles(edits)).not.toThrow();
  });

  test('have unique names', () => {
    expect(new Set(simulationMistakes.map(({ name }) => name)).size).toBe(simulationMistakes.length);
  });

  // All of them: `npx tsx test/simulation/run-mistakes.ts`. A part in the slow tests.
  test('are found: a gap in a session that is accepted', async () => {
    const mistake = simulationMistakes.find(({ name }) => name === 'a gap in a session is accepted')!;
    expect(firstFinding(await loadBroken(mistake), { from: 1, count: 20 })).toBeDefined();
  });

  test('are what is found: a copy without one has no violation', async () => {
    expect(firstFinding(await loadBroken({ edits: [] }), { from: 1, count: 3 })).toBeUndefined();
  });
});
