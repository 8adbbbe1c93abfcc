import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Actor,
  isRoot,
  type Party,
  partiesOf,
  principalOf,
  root,
  sameActor,
  sameParty,
} from '../../src/domain/principal';

// Few ids, so that equal ones occur. 'é' is there in both Unicode forms, which differ byte for byte.
const id = fc.constantFrom('a', 'A', 'é', 'e\u0301', 'root');
const party: fc.Arbitrary<Party> = fc.record({ kind: fc.constantFrom('agent', 'user', 'service'), id });
const user: fc.Arbitrary<Party> = fc.record({ kind: fc.constant('user'), id });
const actor: fc.Arbitrary<Actor> = fc.oneof(
  fc.constant(root),
  fc.record({ party, onBehalfOf: user }, { requiredKeys: ['party'] }),
);

describe('sameParty', () => {
  test('is true exactly if kind and id are equal', () => {
    fc.assert(fc.property(party, party, (a, b) => sameParty(a, b) === (a.kind === b.kind && a.id === b.id)));
  });
});

describe('sameActor', () => {
  test('is true exactly if the public forms are equal, except that a service named root is not root', () => {
    fc.assert(
      fc.property(actor, actor, (a, b) => {
        const alike = isRoot(a) === isRoot(b) && JSON.stringify(principalOf(a)) === JSON.stringify(principalOf(b));
        return sameActor(a, b) === alike;
      }),
    );
  });

  test('does not depend on the order of its arguments', () => {
    fc.assert(fc.property(actor, actor, (a, b) => sameActor(a, b) === sameActor(b, a)));
  });

  test('is false between an agent on behalf of one user, of another user, and of no user', () => {
    const agent: Party = { kind: 'agent', id: 'billing' };
    const authors: Actor[] = [
      { party: agent },
      { party: agent, onBehalfOf: { kind: 'user', id: 'u1' } },
      { party: agent, onBehalfOf: { kind: 'user', id: 'u2' } },
    ];
    for (const [i, a] of authors.entries()) {
      for (const [j, b] of authors.entries()) expect(sameActor(a, b)).toBe(i === j);
    }
  });

  test('is false between root and a service named root', () => {
    expect(sameActor({ party: { kind: 'service', id: 'root' } }, root)).toBe(false);
    expect(isRoot({ party: { kind: 'service', id: 'root' } })).toBe(false);
  });
});

test('partiesOf returns both parties of a pair, and none for root', () => {
  fc.assert(
    fc.property(party, user, (a, b) => {
      expect(partiesOf({ party: a })).toEqual([a]);
      expect(partiesOf({ party: a, onBehalfOf: b })).toEqual([a, b]);
    }),
  );
  expect(partiesOf(root)).toEqual([]);
});
