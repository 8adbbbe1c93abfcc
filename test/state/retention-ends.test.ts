import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '../../src/domain/command';
import { memoryKinds } from '../../src/domain/memory';
import { root } from '../../src/domain/principal';
import { agentA, draft, emptyState, openToAll, remember, reopened, type TestState } from './test-state';

const stamp = { at: 0, scope: {}, seed: new Uint8Array(16) };
const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
const anyId = fc.constantFrom(...ids);
const anyPlace = fc.constantFrom(['n'], ['n', 'm'], ['o']);

const anyStep: fc.Arbitrary<Command> = fc.oneof(
  fc
    .record({
      id: anyId,
      namespace: anyPlace,
      kind: fc.constantFrom(...memoryKinds),
      pinned: fc.constantFrom(undefined, true),
      at: fc.nat(100),
    })
    .map(({ at, pinned, ...given }) =>
      remember(agentA, at, draft({ ...given, ...(pinned === undefined ? {} : { pinned }) })),
    ),
  fc.record({ id: anyId, kind: fc.constantFrom(...memoryKinds), pinned: fc.boolean() }).map(({ id, ...patch }) => ({
    ...{ type: 'update' as const, id, patch },
    stamp: { ...stamp, at: 200, by: agentA },
  })),
  anyId.map((id) => ({ type: 'forget' as const, ids: [id], stamp: { ...stamp, by: agentA } })),
  fc
    .record({
      id: fc.constantFrom('x', 'y', 'z'),
      at: anyPlace,
      kind: fc.constantFrom(undefined, ...memoryKinds),
      maxAgeDays: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ id, at, kind, maxAgeDays }) => {
      const declaration = { retain: 'forget' as const, at, maxAgeDays, ...(kind === undefined ? {} : { kind }) };
      return { type: 'add-declaration' as const, added: { id, declaration }, stamp: { ...stamp, by: root } };
    }),
  fc.constantFrom('x', 'y', 'z').map((id) => ({ type: 'end-declaration' as const, id, stamp: { ...stamp, by: root } })),
) as fc.Arbitrary<Command>;

/** The end of each memory as the columns in RAM have it, and as its stored record gives it. */
function endsOf({ state, model }: TestState) {
  const rows = Array.from({ length: state.lastRow }, (_, i) => i + 1);
  const inTables = rows.map((row) => {
    const record = state.records.byRow(row);
    return (record && state.retention.endOf(record))?.at ?? Number.POSITIVE_INFINITY;
  });
  return { inColumns: rows.map((row) => model.columns.keptUntil(row)), inTables };
}

test('the columns have the end that the record of each memory gives, after every change and after a restart', () => {
  let limited = 0;
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 15, maxLength: 40 }), (steps) => {
      const store = emptyState();
      store.apply([openToAll]);
      for (const step of steps) {
        store.apply([step]);
        const { inColumns, inTables } = endsOf(store);
        expect(inColumns).toEqual(inTables);
        limited += inTables.filter(Number.isFinite).length;
      }
      const { inColumns, inTables } = endsOf(reopened(store));
      expect(inColumns).toEqual(inTables);
    }),
    { numRuns: 20 },
  );
  expect(limited).toBeGreaterThan(50);
});
