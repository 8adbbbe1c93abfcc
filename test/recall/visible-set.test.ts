import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type VisibleSet, VisibleSetCache } from '../../src/recall/visible-set';
import type { RowColumns } from '../../src/state/apply/apply-context';
import type { CompiledSelection } from '../../src/state/queries/selection-sql';
import { ColumnStore } from '../../src/state/read-model';

const labelSets = 4;
const anyColumns: fc.Arbitrary<RowColumns> = fc.record({
  labelSet: fc.integer({ min: 1, max: labelSets }),
  owner: fc.nat(2),
  active: fc.boolean(),
  chunks: fc.nat(2),
  length: fc.nat(100),
  validFrom: fc.integer({ min: 0, max: 50 }),
  expiresAt: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 40 })),
  priority: fc.constantFrom(0, 0.5, 1),
});

interface Reader {
  readonly grants: number;
  readonly owner: number | 'any';
}

// The label sets that each grant can read.
const readableBy = [[1], [1, 2], [2, 3, 4], [1, 2, 3, 4]];
const anyReader: fc.Arbitrary<Reader> = fc.record({
  grants: fc.nat(readableBy.length - 1),
  owner: fc.constantFrom<(number | 'any')[]>(-1, 1, 2, 'any'),
});

function selectionOf({ grants, owner }: Reader, now: number): CompiledSelection {
  const mask = new Uint8Array(labelSets + 1);
  for (const id of readableBy[grants] ?? []) mask[id] = 1;
  const criteria = { scope: {}, include: new Set() };
  return { readable: { mask, labelSets: readableBy[grants], owner, grants }, criteria, now } as never;
}

const cacheOf = (columns: ColumnStore, labelSetCount = labelSets) =>
  new VisibleSetCache({ columns, interning: { labelSetCount } } as never);

function contentsOf(visible: VisibleSet) {
  const { texts, tokens, newest, topPriority, vectors } = visible;
  const rows = [...visible.mask.keys()].filter((row) => visible.mask[row] === 1);
  return { rows, texts, tokens, newest, topPriority, vectors: [...vectors.rows()], count: vectors.count };
}

const step = fc.oneof(
  fc.record({ row: fc.integer({ min: 1, max: 12 }), columns: fc.option(anyColumns, { nil: undefined }) }),
  fc.record({ reader: anyReader }),
  fc.record({ wait: fc.integer({ min: -3, max: 10 }) }),
);

describe('VisibleSetCache', () => {
  test('returns the same set after every change as a new cache computes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const columns = new ColumnStore();
        const kept = cacheOf(columns);
        let now = 10;
        for (const each of steps) {
          if ('wait' in each) now += each.wait;
          else if ('row' in each) columns.apply(each.columns === undefined ? { row: each.row } : (each as never));
          else {
            const selection = selectionOf(each.reader, now);
            expect(contentsOf(kept.get(selection))).toEqual(contentsOf(cacheOf(columns).get(selection)));
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('computes a set again if more changes followed than the cache remembers', () => {
    const columns = new ColumnStore();
    const kept = cacheOf(columns);
    const selection = selectionOf({ grants: 3, owner: -1 }, 10);
    kept.get(selection);
    const given = fc.sample(anyColumns, { numRuns: 20_000, seed: 1 });
    for (const [i, each] of given.entries()) columns.apply({ row: (i % 5_000) + 1, columns: each });
    expect(contentsOf(kept.get(selection))).toEqual(contentsOf(cacheOf(columns).get(selection)));
  });

  test('lists the vectors of the new embedding space after a switch to it', () => {
    const columns = new ColumnStore();
    const kept = cacheOf(columns);
    const selection = selectionOf({ grants: 3, owner: -1 }, 10);
    const [given] = fc.sample(anyColumns, 1) as [RowColumns];
    const columnsOf = (chunks: number) => ({ ...given, owner: 0, active: true, expiresAt: 99, chunks });
    for (const row of [1, 2, 3]) columns.apply({ row, columns: columnsOf(row === 3 ? 0 : 1) });
    expect([...kept.get(selection).vectors.rows()]).toEqual([1, 2]);
    const chunks = new Uint16Array(columns.chunks.length);
    chunks[3] = 1;
    columns.replaceChunks(chunks);
    expect([...kept.get(selection).vectors.rows()]).toEqual([3]);
  });

  test('returns a list of vectors that later changes do not affect', () => {
    const columns = new ColumnStore();
    const kept = cacheOf(columns);
    const selection = selectionOf({ grants: 3, owner: -1 }, 10);
    const [given] = fc.sample(anyColumns, 1) as [RowColumns];
    const visible = { ...given, owner: 0, active: true, expiresAt: 99, chunks: 1 };
    for (const row of [1, 2]) columns.apply({ row, columns: visible });
    const rows = kept.get(selection).vectors.rows();
    columns.apply({ row: 3, columns: visible });
    columns.apply({ row: 1 });
    expect([...kept.get(selection).vectors.rows()]).toEqual([2, 3]);
    expect([...rows]).toEqual([1, 2]);
  });

  test('shares one set between readers with the same rules, until one of the readers has a private memory', () => {
    const columns = new ColumnStore();
    const kept = cacheOf(columns);
    const setOf = (owner: number) => kept.get(selectionOf({ grants: 1, owner }, 10));
    expect(setOf(1)).toBe(setOf(2));
    const [given] = fc.sample(anyColumns, 1) as [RowColumns];
    columns.apply({ row: 1, columns: { ...given, owner: 1, labelSet: 1, active: true, expiresAt: 99 } });
    expect(setOf(1).mask[1]).toBe(1);
    expect(setOf(2).mask[1] ?? 0).toBe(0);
  });
});
