import { test } from 'vitest';
import { runCuts, runFullDisks } from './recovery';

test.each([1, 2, 3, 4, 5])(
  'a power cut loses nothing that was confirmed, and never stops the node (seed %i)',
  (seed) => {
    return runCuts(seed, 12);
  },
);

test.each([1, 2])('a full disk, with power cuts, loses nothing that was confirmed (seed %i)', (seed) => {
  return runFullDisks(seed, 12);
});
