import { expect, test } from 'vitest';
import type { Change, Command } from '../../src/domain/command';
import type { Actor } from '../../src/domain/principal';
import { root } from '../../src/domain/principal';
import { draft, emptyState, openToAll, remember, reopened } from './test-state';

const composed: Actor = { party: { kind: 'agent', id: 'Zo\u00eb' } };
// The same name as an earlier release stored it.
const decomposed: Actor = { party: { kind: 'agent', id: 'Zoe\u0308' } };
const author: Actor = { party: { kind: 'agent', id: 'author' } };

function by(actor: Actor, change: Change): Command {
  return { ...change, stamp: { at: 1, by: actor, scope: {}, seed: new Uint8Array(16) } } as Command;
}

test('contributors, endorsers and what a hold keeps have the names that two forms of a name become', () => {
  const store = emptyState();
  const { state } = store;
  store.apply([openToAll, by(root, { type: 'hold', id: 'hold-1', matter: 'a lawsuit', scope: {} })]);
  store.apply([remember(composed, 1, draft({ id: 'kept' })), remember(author, 1, draft({ id: 'one' }))]);
  store.apply([
    by(decomposed, { type: 'update', id: 'one', patch: { priority: 1 } }),
    by(root, { type: 'endorse', id: 'one', as: 'verified' }),
    remember(decomposed, 1, draft({ id: 'gone' })),
    by(decomposed, { type: 'forget', ids: ['gone'] }),
  ]);
  const row = state.records.unchecked('one')?.row ?? 0;
  const [before] = state.contributors.ofRow(row);
  expect(before).toBe(state.interning.findActor(decomposed));
  state.endorsements.put({ row, actor: before ?? 0, trust: 2, revision: 3, at: 1 });

  state.meta.put('name_form', 'an earlier version');
  const { state: converted } = reopened(store);
  const number = converted.interning.findActor(composed);
  expect(number).not.toBe(before);
  expect(converted.contributors.ofRow(row)).toEqual([number]);
  expect(converted.endorsements.ofRow(row).map(({ actor }) => converted.interning.actor(actor))).toEqual(
    expect.arrayContaining([composed, root]),
  );
  const [withheld] = converted.holds.withheldRows(0, 10);
  expect(converted.holds.revisionsOf(withheld ?? 0)).toMatchObject([{ id: 'gone', author: number }]);
});
