import { test } from 'vitest';
import { runCuts } from './recovery';

test.each([1, 2, 3, 4, 5])(
  'a power cut loses nothing that was confirmed, and never stops the node (seed %i)',
  (seed) => {
    return runCuts(seed, 12);
  },
);
