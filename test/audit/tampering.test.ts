import { describe, test } from 'vitest';
import { Random } from '../faults/random';
import { tamperingKinds, tamperOnce } from './tampering';

// `npm run test:access` makes 10,000 of each kind.
const tamperings = 200;

describe('tampering with a chain', () => {
  test.each(tamperingKinds.map((kind, i) => [kind, i] as const))(
    '%s: is found and located as far as a head covers it, and nothing else is reported',
    async (kind, i) => {
      for (let n = 0; n < tamperings; n++) await tamperOnce(kind, new Random(1, i, n));
    },
  );
});
