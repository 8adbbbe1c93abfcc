import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryKinds } from '../../src/domain/memory';
import type { ParsedScope } from '../../src/domain/scope';
import type { TrustLevel } from '../../src/domain/trust';
import { candidateRows, type VisibleSet, VisibleSetCache } from '../../src/recall/visible-set';
import type { RowColumns } from '../../src/state/apply/apply-context';
import type { CompiledSelection } from '../../src/state/queries/selection-sql';
import { ColumnStore } from '../../src/state/read-model';

const labelSets = 4;
const anyColumns: fc.Arbitrary<RowColumns> = fc.record({
  labelSet: fc.integer({ min: 1, max: labelSets }),
  owner: fc.nat(2),
  author: fc.nat(2),
  channel: fc.nat(5),
  active: fc.boolean(),
  chunks: fc.nat(2),
  length: fc.nat(100),
  validFrom: fc.integer({ min: 0, max: 50 }),
  expiresAt: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 40 })),
  priority: fc.constantFrom(0, 0.5, 1),
  createdAt: fc.nat(),
  kind: fc.constantFrom(undefined, ...memoryKinds),
  pinned: fc.boolean(),
  userId: fc.constantFrom(null, 'u', 'v'),
  sessionId: fc.constantFrom(null, 's'),
  agentId: fc.constantFrom(null, 'a', 'b'),
  tags: fc.subarray(['t', 'w', 'x']),
});
const anyTrust = fc.constantFrom<TrustLevel[]>(0, 1, 2, 3);
type Given = RowColumns & { readonly trust: TrustLevel };
const anyScope: fc.Arbitrary<ParsedScope> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  fc.record({ userId: fc.constantFrom('u', 'v', 'nobody') }),
  fc.record(
    {
      userId: fc.constantFrom('u', 'v'),
      sessionId: fc.constant('s'),
      agentId: fc.constantFrom('a', 'b'),
      tags: fc.subarray(['t', 'w', 'x'], { minLength: 1 }),
    },
    { requiredKeys: [] },
  ),
);

interface Reader {
  readonly grants: number;
  readonly owner: number | 'any';
  readonly scope?: ParsedScope;
  readonly least?: TrustLevel;
}

// The label sets that each grant can read.
const readableBy = [[1], [1, 2], [2, 3, 4], [1, 2, 3, 4]];
const anyReader: fc.Arbitrary<Reader> = fc.record({
  grants: fc.nat(readableBy.length - 1),
  owner: fc.constantFrom<(number | 'any')[]>(-1, 1, 2, 'any'),
  scope: anyScope,
  least: fc.constantFrom<TrustLevel[]>(1, 1, 2, 3),
});

function selectionOf(
  { grants, owner, scope = {}, least = 1 }: Reader,
  now: number,
  columns: ColumnStore,
): CompiledSelection {
  const mask = new Uint8Array(labelSets + 1);
  for (const id of readableBy[grants] ?? []) mask[id] = 1;
  const readable = { mask, labelSets: Uint32Array.from(readableBy[grants] ?? []), owner, grants };
  const access = { readable, criteria: { scope, include: new Set() } } as never as CompiledSelection;
  const trusted = { least, leastLinked: least, columns };
  return { ...access, trusted, now, candidates: () => candidateRows(columns, access) };
}

const cacheOf = (columns: ColumnStore, labelSetCount = labelSets) =>
  new VisibleSetCache({ columns, interning: { labelSetCount } } as never);

function contentsOf(visible: VisibleSet) {
  const { texts, tokens, newest, topPriority, vectors } = visible;
  const { few, mask } = visible;
  const rows = few === undefined ? [...mask.keys()].filter((row) => mask[row] === 1) : [...few];
  expect(rows.every((row) => visible.has(row))).toBe(true);
  return { rows, texts, tokens, newest, topPriority, vectors: [...vectors.rows()], count: vectors.count };
}

/** What a set must contain, computed from the definition. */
function expectedOf(columns: ColumnStore, given: ReadonlyMap<number, Given>, reader: Reader, now: number) {
  const { grants, owner, scope = {}, least = 1 } = reader;
  const rows = [...given.keys()]
    .sort((a, b) => a - b)
    .filter((row) => {
      const each = given.get(row) as Given;
      if (each.trust < least) return false;
      if (!each.active || !readableBy[grants]?.includes(each.labelSet) || each.expiresAt <= now) return false;
      if (each.owner !== 0 && owner !== 'any' && each.owner !== owner) return false;
      const fields = ['userId', 'sessionId', 'agentId'] as const;
      if (fields.some((field) => scope[field] !== undefined && scope[field] !== each[field])) return false;
      return (scope.tags ?? []).every((tag) => each.tags.includes(tag));
    });
  const all = rows.map((row) => given.get(row) as RowColumns);
  const vectors = rows.filter((row) => columns.chunks[row] !== 0);
  return {
    rows,
    texts: rows.length,
    tokens: all.reduce((sum, { length }) => sum + length, 0),
    newest: Math.max(...all.map(({ validFrom }) => validFrom)),
    topPriority: Math.max(0, ...all.map(({ priority }) => priority)),
    vectors,
    count: vectors.length,
  };
}

const step = fc.oneof(
  // In some stores all rows are few, and in some a few rows are among very many.
  fc.record({
    row: fc.integer({ min: 1, max: 12 }),
    columns: fc.option(anyColumns, { nil: undefined }),
    trust: anyTrust,
  }),
  fc.record({ retrusted: fc.integer({ min: 1, max: 12 }), trust: anyTrust }),
  fc.record({ reader: anyReader, isAsked: fc.boolean() }),
  fc.record({ wait: fc.integer({ min: -3, max: 10 }) }),
);

describe('VisibleSetCache', () => {
  test('contains after every change the rows that match, as a list or as a mask', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 6, 20, 100), (steps, spread) => {
        const columns = new ColumnStore();
        const given = new Map<number, Given>();
        const kept = cacheOf(columns);
        let now = 10;
        for (const each of steps) {
          if ('wait' in each) now += each.wait;
          else if ('row' in each) {
            const row = each.row * spread;
            const { trust } = each;
            columns.apply({ row, trust, ...(each.columns && { columns: each.columns }) });
            if (each.columns === undefined) given.delete(row);
            else given.set(row, { ...each.columns, trust });
          } else if ('retrusted' in each) {
            const row = each.retrusted * spread;
            const known = given.get(row);
            if (known === undefined) continue;
            columns.setTrust(row, each.trust);
            given.set(row, { ...known, trust: each.trust });
          } else {
            const selection = selectionOf(each.reader, now, columns);
            const visible = kept.get(selection);
            if (each.isAsked) expect(contentsOf(visible)).toEqual(expectedOf(columns, given, each.reader, now));
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('computes a set again if more changes followed than the cache remembers', () => {
    const columns = new ColumnStore();
    const kept = cacheOf(columns);
    const selection = selectionOf({ grants: 3, owner: -1 }, 10, columns);
    kept.get(selection);
    const given = fc.sample(anyColumns, { numRuns: 20_000, seed: 1 });
    for (const [i, each] of given.entries()) columns.apply({ row: (i % 5_000) + 1, columns: each });
    expect(contentsOf(kept.get(selection))).toEqual(contentsOf(cacheOf(columns).get(selection)));
  });

  test('lists the vectors of the new embedding space after a switch to it', () => {
    const columns = new ColumnStore();
    const kept = cacheOf(columns);
    const selection = selectionOf({ grants: 3, owner: -1 }, 10, columns);
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
    const selection = selectionOf({ grants: 3, owner: -1 }, 10, columns);
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
    const setOf = (owner: number) => kept.get(selectionOf({ grants: 1, owner }, 10, columns));
    expect(setOf(1)).toBe(setOf(2));
    const [given] = fc.sample(anyColumns, 1) as [RowColumns];
    columns.apply({ row: 1, columns: { ...given, owner: 1, labelSet: 1, active: true, expiresAt: 99 } });
    expect(setOf(1).mask[1]).toBe(1);
    expect(setOf(2).mask[1] ?? 0).toBe(0);
  });
});
