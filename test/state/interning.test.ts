import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains } from '../../src/domain/namespace';
import type { Actor } from '../../src/domain/principal';
import { loadChecksum } from '../../src/state/tables/checksum';
import { Interning } from '../../src/state/tables/interning';
import { emptyState } from './test-state';

const checksum = await loadChecksum();

const label = fc.oneof(
  fc.constantFrom('a', 'b', 'a/b', '["a"]', '', '\0', 'A', 'a ', '__proto__', '😀', '1'),
  fc.string({ minLength: 1, maxLength: 3 }),
);
const namespace = fc.array(label, { maxLength: 3 });
const accessTags = fc.array(label, { maxLength: 3 });
const party = fc.record({
  kind: fc.constantFrom('agent' as const, 'user' as const, 'service' as const),
  id: label.filter(Boolean),
});
const actor: fc.Arbitrary<Actor> = fc.oneof(
  fc.constant<Actor>({ party: 'root' }),
  party.map((each) => ({ party: each })),
  fc
    .tuple(party, label.filter(Boolean))
    .map(([each, id]) => ({ party: each, onBehalfOf: { kind: 'user' as const, id } })),
);

function labelSetKey([place, tags]: readonly [readonly string[], readonly string[]]): string {
  return JSON.stringify([place, [...new Set(tags)].sort()]);
}

describe('Interning', () => {
  test('numbers values from 1, returns the same number for the same value, and finds every number again after a reload', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(namespace, accessTags), { maxLength: 12 }),
        fc.array(actor, { maxLength: 12 }),
        (labelSets, actors) => {
          const { database, interning } = emptyState().state;
          const labelSetIds = new Map<string, number>();
          for (const each of labelSets) {
            const known = labelSetIds.get(labelSetKey(each));
            expect(interning.findLabelSet(...each)).toBe(known);
            const id = interning.internLabelSet(...each);
            expect(id).toBe(known ?? labelSetIds.size + 1);
            labelSetIds.set(labelSetKey(each), id);
          }
          const actorIds = new Map<string, number>();
          for (const each of actors) {
            const known = actorIds.get(JSON.stringify(each));
            const id = interning.internActor(each);
            expect(id).toBe(known ?? actorIds.size + 1);
            actorIds.set(JSON.stringify(each), id);
          }
          for (const found of [interning, new Interning(database, checksum)]) {
            expect(found.labelSetCount).toBe(labelSetIds.size);
            for (const each of labelSets) {
              const id = labelSetIds.get(labelSetKey(each)) as number;
              expect(found.findLabelSet(...each)).toBe(id);
              expect(labelSetKey([found.labelSet(id).namespace, found.labelSet(id).accessTags])).toBe(
                labelSetKey(each),
              );
              expect(found.labelSetsOf(each[0])).toContain(id);
            }
            for (const each of actors) {
              const id = actorIds.get(JSON.stringify(each)) as number;
              expect(found.findActor(each)).toBe(id);
              expect(found.actor(id)).toEqual(each);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('distinguishes labels with separators and quotes, and actors whose parts may be empty', () => {
    const { interning } = emptyState().state;
    const places = [
      ['a', 'b'],
      ['a/b'],
      ['ab'],
      ['a,b'],
      ['["a","b"]'],
      ['a'],
      ['b'],
      [],
      ['a', 'b', 'c'],
      ['a', 'bc'],
    ];
    expect(new Set(places.map((place) => interning.internLabelSet(place, []))).size).toBe(places.length);
    const actors: Actor[] = [
      { party: { kind: 'agent', id: 'a' } },
      { party: { kind: 'user', id: 'a' } },
      { party: { kind: 'agent', id: 'a' }, onBehalfOf: { kind: 'user', id: 'a' } },
      { party: { kind: 'agent', id: '["agent","a",null]' } },
      { party: { kind: 'service', id: 'root' } },
      { party: 'root' },
    ];
    expect(new Set(actors.map((each) => interning.internActor(each))).size).toBe(actors.length);
  });

  test('ignores the order and repetition of access tags', () => {
    const { interning } = emptyState().state;
    const id = interning.internLabelSet(['n'], ['b', 'a', 'b']);
    expect(interning.internLabelSet(['n'], ['a', 'b'])).toBe(id);
    expect(interning.internLabelSet(['n'], ['a'])).not.toBe(id);
  });

  test('has no numbers from a rolled-back transaction after a reload', () => {
    const { database, interning } = emptyState().state;
    interning.internLabelSet(['kept'], []);
    database.exec('begin');
    interning.internLabelSet(['lost'], []);
    interning.internActor({ party: { kind: 'agent', id: 'lost' } });
    database.exec('rollback');
    interning.reload();
    expect(interning.findLabelSet(['lost'], [])).toBeUndefined();
    expect(interning.internLabelSet(['next'], [])).toBe(2);
    expect(interning.findActor({ party: { kind: 'agent', id: 'lost' } })).toBeUndefined();
  });

  test('reads all names again after another process has converted them', () => {
    const { database, interning } = emptyState().state;
    interning.internLabelSet(['old'], ['t']);
    const reader = new Interning(database, checksum);
    expect(reader.labelSet(1).namespace).toEqual(['old']);
    database.exec(
      "update namespaces set label = 'new'; insert or replace into store_meta values ('name_form', 'later')",
    );
    reader.reload();
    expect(reader.labelSet(1).namespace).toEqual(['new']);
    expect(reader.findLabelSet(['old'], ['t'])).toBeUndefined();
  });

  test('tells by numbers which namespaces are within another', () => {
    fc.assert(
      fc.property(fc.array(namespace, { minLength: 1, maxLength: 12 }), (places) => {
        const { database, interning } = emptyState().state;
        for (const each of places) interning.internLabelSet(each, []);
        for (const found of [interning, new Interning(database, checksum)]) {
          for (const outer of places) {
            for (const inner of places) {
              const [inside, outside] = [inner, outer].map((each) => found.findNamespace(each) as number);
              expect(found.isWithin(inside as number, outside as number)).toBe(contains(outer, inner));
            }
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('reads what another process has added, and keeps the numbers that it had', () => {
    const { database, interning } = emptyState().state;
    const reader = new Interning(database, checksum);
    interning.internLabelSet(['a'], []);
    reader.reload();
    interning.internLabelSet(['a', 'b'], ['t']);
    interning.internLabelSet(['a', 'c'], ['t']);
    interning.internActor({ party: { kind: 'agent', id: 'x' } });
    expect(reader.labelSetCount).toBe(1);
    reader.reload();
    reader.reload();
    expect(reader.labelSetCount).toBe(3);
    expect(reader.labelSet(3)).toMatchObject({ namespace: ['a', 'c'], accessTags: ['t'] });
    expect(reader.actors()).toEqual(interning.actors());
  });

  test('throws for a number that it never assigned', () => {
    const { interning } = emptyState().state;
    for (const id of [0, 1, -1, 0.5]) {
      expect(() => interning.labelSet(id)).toThrow();
      expect(() => interning.actor(id)).toThrow();
    }
  });
});
