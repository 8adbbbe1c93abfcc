import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brokenReferences } from './broken-references';
import { cases } from './cases';
import { compareWithCedar, decisionsOf } from './decisions';
import { Reference } from './reference';

const seed = 4;

/** Checks that an evaluator and Cedar make the same decisions for generated policies and memories. */
function agreement(kind: typeof Reference) {
  return fc.property(cases, ({ policy, memories, readers }) => {
    compareWithCedar(new kind(policy), decisionsOf(readers, memories));
  });
}

test('the reference evaluator and Cedar make the same decisions', () => {
  fc.assert(agreement(Reference), { seed, numRuns: 60 });
});

test.each(Object.entries(brokenReferences))(
  'Cedar detects a wrong evaluator: %s',
  (_, kind) => {
    const { failed, errorInstance } = fc.check(agreement(kind), { seed, numRuns: 400, endOnFailure: true });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toContain('Cedar says');
  },
  60_000,
);
