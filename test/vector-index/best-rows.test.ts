import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BestRows, byEstimate } from '../../src/vector-index/exact-index';

const offers = fc.uniqueArray(
  // Few different estimates, so that many are equal.
  fc.record({ row: fc.integer({ min: 1, max: 10_000 }), estimate: fc.integer({ min: -3, max: 3 }) }),
  { selector: ({ row }) => row, maxLength: 200 },
);

test('BestRows keeps the rows with the highest estimates, and prefers lower row numbers if estimates are equal', () => {
  fc.assert(
    fc.property(offers, fc.integer({ min: 0, max: 30 }), (candidates, limit) => {
      const best = new BestRows(limit);
      for (const { row, estimate } of candidates) best.offer(row, estimate);
      expect(best.candidates()).toEqual([...candidates].sort(byEstimate).slice(0, limit));
    }),
  );
});
