import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, type Namespace, sameNamespace, showNamespace } from '../../src/domain/namespace';

// Few labels and awkward ones, so that namespaces meet each other and every joined form of them would collide.
const label = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'a/b', 'a.b', '/', '"', '\u0000', 'é', 'e\u0301'),
  fc.string({ minLength: 1 }),
);
const namespace = fc.array(label, { maxLength: 4 });

describe('a namespace contains', () => {
  test('itself and everything below it', () => {
    fc.assert(fc.property(namespace, namespace, (outer, rest) => contains(outer, [...outer, ...rest])));
  });

  test('nothing in which one of its labels is another', () => {
    fc.assert(
      fc.property(namespace, namespace, label, fc.nat(), (start, rest, other, pick) => {
        const outer = [...start, 'own'];
        const at = pick % outer.length;
        fc.pre(other !== outer[at]);
        return !contains(outer, [...outer.with(at, other), ...rest]);
      }),
    );
  });

  test('nothing shorter than itself', () => {
    fc.assert(fc.property(namespace, label, (inner, more) => !contains([...inner, more], inner)));
  });

  test('what is contained by what it contains', () => {
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
  ])('no look-alike: %j does not hold %j', (outer, inner) => {
    expect(contains(outer, inner)).toBe(false);
    expect(contains(inner, outer)).toBe(false);
  });

  test('the whole store is []', () => {
    fc.assert(fc.property(namespace, (inner) => contains([], inner) && contains(inner, []) === (inner.length === 0)));
  });
});

test('two namespaces are the same when each contains the other', () => {
  fc.assert(fc.property(namespace, namespace, (a, b) => sameNamespace(a, b) === (contains(a, b) && contains(b, a))));
});

test('people see namespaces apart that are apart', () => {
  fc.assert(
    fc.property(namespace, namespace, (a, b) => sameNamespace(a, b) === (showNamespace(a) === showNamespace(b))),
  );
});
