import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Interning } from '../../src/state/tables/interning';
import { emptyState } from './test-state';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function bytesForEach(count: number, add: (interning: Interning, i: number) => void): number {
  const { state } = emptyState();
  const before = bytesInUse();
  state.database.transaction(() => {
    for (let i = 0; i < count; i++) add(state.interning, i);
  })();
  const bytes = (bytesInUse() - before) / count;
  expect(state.interning.labelSetCount).toBeGreaterThan(0);
  return bytes;
}

// Measured: 110, 151 and 870 bytes. Before they were stored as numbers, the first took 1,090 and the last 9,100.
test.each<[string, number, (i: number) => [string[], string[]]]>([
  ['a namespace with a label of its own', 200, (i) => [['team', `project ${i}`], []]],
  ['a namespace with access tags of its own', 500, (i) => [['team'], [`tag ${i}`]]],
  ['a namespace with sixteen labels of its own', 2_000, (i) => [Array.from({ length: 16 }, (_, n) => `${n} ${i}`), []]],
])('%s takes fewer than %i bytes in RAM', (_, most, labelsOf) => {
  const bytes = bytesForEach(50_000, (interning, i) => interning.internLabelSet(...labelsOf(i)));
  expect(bytes).toBeLessThan(most);
});
