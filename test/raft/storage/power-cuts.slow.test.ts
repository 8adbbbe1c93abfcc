import { test } from 'vitest';
import { runCuts, runFullDisks } from './recovery';

test.each(Array.from({ length: 60 }, (_, at) => at + 1_000))(
  'a power cut loses nothing that was confirmed, and never stops the node (seed %i)',
  (seed) => runCuts(seed, 15),
);

test.each(Array.from({ length: 30 }, (_, at) => at + 1_000))(
  'a full disk, with power cuts, loses nothing that was confirmed (seed %i)',
  (seed) => runFullDisks(seed, 15),
);
