import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryKinds } from '../../src/domain/memory';
import type { ParsedScope } from '../../src/domain/scope';
import type { RowColumns } from '../../src/state/apply/apply-context';
import { ColumnStore, type ScopedRows } from '../../src/state/read-model';

const anyColumns: fc.Arbitrary<RowColumns> = fc.record({
  labelSet: fc.integer({ min: 1, max: 4 }),
  owner: fc.nat(3),
  author: fc.nat(3),
  channel: fc.nat(5),
  active: fc.boolean(),
  chunks: fc.nat(2),
  length: fc.nat(100),
  validFrom: fc.integer(),
  expiresAt: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat()),
  priority: fc.double({ min: 0, max: 1, noNaN: true }),
  createdAt: fc.nat(),
  kind: fc.constantFrom(undefined, ...memoryKinds),
  pinned: fc.boolean(),
  userId: fc.constantFrom(null, 'u', 'v'),
  sessionId: fc.constantFrom(null, 's'),
  agentId: fc.constantFrom(null, 'a', 'b'),
  tags: fc.subarray(['t', 'w', 'x']),
});

/** The rows that the lists of a store contain for each value. */
function listsOf(columns: ColumnStore) {
  const scopes: Record<string, ParsedScope> = {
    ...{ u: { userId: 'u' }, v: { userId: 'v' }, s: { sessionId: 's' }, a: { agentId: 'a' }, b: { agentId: 'b' } },
    ...{ t: { tags: ['t'] }, w: { tags: ['w'] }, x: { tags: ['x'] } },
  };
  const rowsOf = (scope: ParsedScope) => {
    const [list] = columns.scoped(scope) as [ScopedRows];
    const rows = [...list.rows()].sort((a, b) => a - b);
    expect(list.count).toBe(rows.length);
    expect([...Array(columns.last + 1).keys()].filter(list.has)).toEqual(rows);
    return rows;
  };
  const byLabelSet = [1, 2, 3, 4].map((id) => [...columns.inLabelSets(Uint32Array.of(id))].sort((a, b) => a - b));
  return { ...Object.fromEntries(Object.entries(scopes).map(([name, scope]) => [name, rowsOf(scope)])), byLabelSet };
}

function expectedLists(model: ReadonlyMap<number, RowColumns>) {
  const rows = [...model.keys()].sort((a, b) => a - b);
  const where = (test: (columns: RowColumns) => boolean) => rows.filter((row) => test(model.get(row) as RowColumns));
  return {
    u: where(({ userId }) => userId === 'u'),
    v: where(({ userId }) => userId === 'v'),
    s: where(({ sessionId }) => sessionId === 's'),
    a: where(({ agentId }) => agentId === 'a'),
    b: where(({ agentId }) => agentId === 'b'),
    t: where(({ tags }) => tags.includes('t')),
    w: where(({ tags }) => tags.includes('w')),
    x: where(({ tags }) => tags.includes('x')),
    byLabelSet: [1, 2, 3, 4].map((id) => where(({ labelSet }) => labelSet === id)),
  };
}

describe('ColumnStore', () => {
  test('holds the latest columns of every row, and lists the rows with each value', () => {
    const changes = fc.array(
      fc.record({
        row: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5_000 })),
        given: fc.option(anyColumns, { nil: undefined }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(changes, (all) => {
        const columns = new ColumnStore();
        const model = new Map<number, RowColumns>();
        for (const { row, given } of all) {
          columns.apply(given === undefined ? { row } : { row, columns: given });
          if (given === undefined) model.delete(row);
          else model.set(row, given);
        }
        expect(columns.last).toBe(Math.max(0, ...all.map(({ row }) => row)));
        expect(listsOf(columns)).toEqual(expectedLists(model));
        for (const [row, { userId: _, sessionId: __, agentId: ___, tags: ____, ...known }] of model) {
          expect({
            labelSet: columns.labelSet[row],
            owner: columns.owner[row],
            author: columns.author[row],
            channel: columns.channel[row],
            active: columns.active[row] === 1,
            chunks: columns.chunks[row],
            length: columns.length[row],
            validFrom: columns.validFrom[row],
            expiresAt: columns.expiresAt[row],
            priority: columns.priority[row],
            createdAt: columns.createdAt[row],
            kind: memoryKinds[(columns.kind[row] as number) - 1],
            pinned: columns.pinned[row] === 1,
          }).toEqual(known);
        }
        // A forgotten row has label set 0, which nobody may read.
        for (const { row } of all)
          if (!model.has(row)) expect([columns.labelSet[row], columns.active[row]]).toEqual([0, 0]);
      }),
      { numRuns: 200 },
    );
  });

  test('grows with the rows and keeps the columns of earlier rows', () => {
    const columns = new ColumnStore();
    const given = {
      labelSet: 1,
      owner: 0,
      author: 1,
      channel: 1,
      active: true,
      chunks: 1,
      length: 1,
      validFrom: 0,
      expiresAt: 1,
      priority: 1,
      ...{ createdAt: 0, kind: 'episodic' as const, pinned: false },
      ...{ userId: null, sessionId: null, agentId: null, tags: [] },
    };
    for (const row of [1, 1_023, 1_024, 1_025, 100_000]) columns.apply({ row, columns: { ...given, length: row } });
    expect([1, 1_023, 1_024, 1_025, 100_000].map((row) => columns.length[row])).toEqual([
      1, 1_023, 1_024, 1_025, 100_000,
    ]);
    expect(columns.labelSet[50_000]).toBe(0);
  });
});
