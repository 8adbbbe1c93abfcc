import { test } from 'vitest';
import { runCuts } from './recovery';

test.each(Array.from({ length: 12 }, (_, at) => at + 1))(
  'a power cut loses nothing that was confirmed, and never stops the node (seed %i)',
  (seed) => {
    return runCuts(seed, 15);
  },
);
