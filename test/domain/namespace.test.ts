import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, type Namespace, sameNamespace, showNamespace } from '../../src/domain/namespace';

// Few labels, so that namespaces are often equal, and labels whose joined forms would be equal.
const label = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'a/b', 'a.b', '/', '"', '\u0000', 'é', 'e\u0301'),
  fc.string({ minLength: 1 }),
);
const namespace = fc.array(label, { maxLength: 4 });

describe('contains', () => {
  test('is true for the namespace itself and everything below it', () => {
    fc.assert(fc.property(namespace, namespace, (outer, rest) => contains(outer, [...outer, ...rest])));
  });

  test('is false if one label differs', () => {
    fc.assert(
      fc.property(namespace, namespace, label, fc.nat(), (start, rest, other, pick) => {
        const outer = [...start, 'own'];
        const at = pick % outer.length;
        fc.pre(other !== outer[at]);
        return !contains(outer, [...outer.with(at, other), ...rest]);
      }),
    );
  });

  test('is false for a shorter namespace', () => {
    fc.assert(fc.property(namespace, label, (inner, more) => !contains([...inner, more], inner)));
  });

  test('is transitive', () => {
    fc.assert(
      fc.property(namespace, namespace, namespace, (a, b, c) => {
        const inner = [...a, ...b, ...c];
        return contains(a, [...a, ...b]) && contains([...a, ...b], inner) && contains(a, inner);
      }),
    );
  });

  test.each<[Namespace, Namespace]>([
    [['acme'], ['acme-corp']],
    [['acme'], ['acme/sales']],
    [['a', 'b'], ['a/b']],
    [['a'], ['A']],
    [['é'], ['e\u0301']],
  ])('compares whole labels: %j does not contain %j', (outer, inner) => {
    expect(contains(outer, inner)).toBe(false);
    expect(contains(inner, outer)).toBe(false);
  });

  test('treats [] as the whole store', () => {
    fc.assert(fc.property(namespace, (inner) => contains([], inner) && contains(inner, []) === (inner.length === 0)));
  });
});

test('sameNamespace is true exactly if each namespace contains the other', () => {
  fc.assert(fc.property(namespace, namespace, (a, b) => sameNamespace(a, b) === (contains(a, b) && contains(b, a))));
});

test('showNamespace returns different texts for different namespaces', () => {
  fc.assert(
    fc.property(namespace, namespace, (a, b) => sameNamespace(a, b) === (showNamespace(a) === showNamespace(b))),
  );
});
