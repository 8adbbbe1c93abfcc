import { describe, test } from 'vitest';
import { Random } from '../faults/random';
import { classes, tamperOnce } from './tampering';

// All of it: `npm run test:access`.
const tamperings = 200;

describe('tampering with a chain', () => {
  test.each(classes.map((kind, i) => [kind, i] as const))(
    '%s: found and located as far as a head covers it, without a false alarm',
    async (kind, i) => {
      for (let n = 0; n < tamperings; n++) await tamperOnce(kind, new Random(1, i, n));
    },
  );
});
