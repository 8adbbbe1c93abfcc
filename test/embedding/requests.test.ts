import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRequest } from '../../src/embedding/batching/requests';

const limits = fc.record({ maxInputs: fc.integer({ min: 1, max: 5 }), maxCharacters: fc.integer({ min: 1, max: 20 }) });

test('requests contain every text once and in order; each has as many texts as the limits allow, and at least one text', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30 })), limits, (texts, { maxInputs, maxCharacters }) => {
      const requests: (readonly string[])[] = [];
      for (let from = 0; from < texts.length; from += requests.at(-1)!.length)
        requests.push(nextRequest(texts, from, { maxInputs, maxCharacters }));
      expect(requests.flat()).toEqual(texts);
      const characters = (request: readonly string[]) => request.join('').length;
      for (const [i, request] of requests.entries()) {
        expect(request.length).toBeGreaterThan(0);
        expect(request.length).toBeLessThanOrEqual(maxInputs);
        expect(request.length === 1 || characters(request) <= maxCharacters).toBe(true);
        // The next text would have exceeded a limit.
        const following = requests[i + 1]?.[0];
        if (following === undefined || request.length === maxInputs) continue;
        expect(characters(request) + following.length).toBeGreaterThan(maxCharacters);
      }
    }),
  );
});
