import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/domain/command';
import { root } from '../../src/domain/principal';
import { allow } from '../../src/domain/rule';
import type { ColumnStore } from '../../src/state/read-model';
import { commands, space } from './command-sequences';
import {
  agentA,
  agentB,
  contents,
  draft,
  emptyState,
  openToAll,
  remember,
  reopened,
  type TestState,
} from './test-state';

function comparable(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map((outcome) => (outcome.ok ? outcome : [outcome.error.code, outcome.error.message]));
}

function applyAll(store: TestState, batches: readonly (readonly Command[])[]): Outcome[] {
  return batches.flatMap((batch) => [...store.apply(batch).outcomes]);
}

function columnsOf({ model }: TestState): unknown[] {
  const columns: ColumnStore = model.columns;
  const { labelSet, owner, active, chunks, length, validFrom, expiresAt, priority, last } = columns;
  return Array.from({ length: last }, (_, i) => {
    const row = i + 1;
    if (labelSet[row] === 0) return 'forgotten';
    return [labelSet, owner, active, chunks, length, validFrom, expiresAt, priority].map((column) => column[row]);
  });
}

function withoutAudit(tables: Record<string, unknown[]>): Record<string, unknown[]> {
  return Object.fromEntries(Object.entries(tables).filter(([name]) => !name.startsWith('audit_')));
}

describe('apply', () => {
  test('leads to the same state and the same outcomes for the same commands, however they are batched', () => {
    fc.assert(
      fc.property(commands, fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }), (all, sizes) => {
        const [together, apart] = [emptyState(), emptyState()];
        const batches: Command[][] = [[openToAll]];
        for (let from = 0; from < all.length; ) {
          const size = sizes[batches.length % sizes.length] as number;
          batches.push(all.slice(from, from + size));
          from += size;
        }
        const outcomes = applyAll(together, batches);
        expect(
          comparable(
            applyAll(
              apart,
              [openToAll, ...all].map((command) => [command]),
            ),
          ),
        ).toEqual(comparable(outcomes));
        expect(contents(apart.state.database)).toEqual(contents(together.state.database));
        expect(columnsOf(apart)).toEqual(columnsOf(together));
      }),
      { numRuns: 60 },
    );
  });

  test('keeps nothing from a refused command except its audit entry, and does not affect other commands', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const store = emptyState();
        const outcomes = applyAll(store, [[openToAll], all]).slice(1);
        const without = emptyState();
        const taken = all.filter((_, i) => outcomes[i]?.ok);
        expect(comparable(applyAll(without, [[openToAll], taken]).slice(1))).toEqual(
          comparable(outcomes.filter(({ ok }) => ok)),
        );
        expect(withoutAudit(contents(without.state.database))).toEqual(withoutAudit(contents(store.state.database)));
        expect(store.state.auditLog.chain.size).toBe(all.length + 1);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps in RAM the same values that a process reads when it opens the database', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const store = emptyState();
        applyAll(store, [[openToAll], all]);
        const again = reopened(store);
        expect(columnsOf(again)).toEqual(columnsOf(store));
        expect(again.state.lastChangeSeq).toBe(store.state.lastChangeSeq);
        expect(again.state.interning.labelSetCount).toBe(store.state.interning.labelSetCount);
        expect(again.state.interning.actors()).toEqual(store.state.interning.actors());
        expect(again.state.interning.currentSpace).toEqual(store.state.interning.currentSpace);
        expect(again.state.policy.version).toBe(store.state.policy.version);
        expect([...again.state.policy.declared]).toEqual([...store.state.policy.declared]);
      }),
      { numRuns: 40 },
    );
  });

  test('reports every change once, in order, with consecutive numbers', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const store = emptyState();
        store.apply([openToAll]);
        const { changes } = store.apply(all);
        expect(changes.map(({ changeSeq }) => changeSeq)).toEqual(changes.map((_, i) => i + 1));
        expect(
          store.state.changes.after(0, 1_000).map(({ change_seq, id: changed, type }) => [change_seq, changed, type]),
        ).toEqual(changes.map(({ changeSeq, id: changed, type }) => [changeSeq, changed, type]));
        expect(store.state.lastChangeSeq).toBe(changes.length);
      }),
      { numRuns: 40 },
    );
  });

  test('uses the rules in force when a command is applied, not when it was submitted', () => {
    const store = emptyState();
    store.apply([openToAll, remember(agentA, 1, draft({ id: 'one' }))]);
    const closed: Command = {
      type: 'declare',
      declarations: [],
      stamp: { at: 2, by: root, scope: {}, seed: new Uint8Array(16) },
    };
    const openedAgain: Command = {
      type: 'declare',
      declarations: [{ id: 'again', declaration: allow('everyone', 'curator', []) }],
      stamp: { at: 4, by: root, scope: {}, seed: new Uint8Array(16) },
    };
    const stamp = { at: 3, by: agentA, scope: {}, seed: new Uint8Array(16) };
    const { outcomes } = store.apply([
      remember(agentA, 2, draft({ id: 'two' })),
      closed,
      remember(agentA, 3, draft({ id: 'three' })),
      { type: 'update', id: 'one', patch: { priority: 1 }, stamp },
      { type: 'forget', ids: ['one'], stamp },
      openedAgain,
      { type: 'update', id: 'one', patch: { priority: 1 }, stamp },
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))).toEqual([
      'ok',
      'ok',
      'FORBIDDEN',
      'NOT_FOUND',
      'ok',
      'ok',
      'ok',
    ]);
    expect(outcomes[4]).toEqual({ ok: true, type: 'forget', forgotten: [] });
    expect(store.state.memoryCount()).toBe(2);
  });

  test('accepts rules only from root', () => {
    const store = emptyState();
    const { outcomes } = store.apply([
      { ...openToAll, stamp: { at: 0, by: agentA, scope: {}, seed: new Uint8Array(16) } } as Command,
    ]);
    expect(comparable(outcomes)[0]).toMatchObject(['FORBIDDEN', expect.any(String)]);
    expect(store.state.policy.version).toBe(0);
  });

  test('keeps the rules with the higher version, in whatever order commands with versions arrive', () => {
    const { state } = emptyState();
    const declare = (version: number, namespace: string): Command => ({
      type: 'declare',
      declarations: [{ id: namespace, declaration: allow('everyone', 'reader', [namespace]) }],
      version,
      stamp: { at: 1, by: root, scope: {}, seed: new Uint8Array(16) },
    });
    state.apply([declare(2, 'second'), declare(1, 'first'), declare(3, 'third'), declare(2, 'again')]);
    expect([...state.policy.declared.keys()]).toEqual(['third']);
  });

  test('changes nothing outside the scope of the handle that submitted the command', () => {
    const store = emptyState();
    store.apply([openToAll, remember(agentA, 1, draft({ id: 'one', key: 'k', userId: 'u1', tags: ['t'] }))]);
    const stamp = { at: 2, by: agentA, scope: { userId: 'u2' }, seed: new Uint8Array(16) };
    const { outcomes } = store.apply([
      { type: 'update', id: 'one', patch: { priority: 1 }, stamp },
      { type: 'forget', ids: ['one'], stamp },
      { type: 'remember', drafts: [draft({ id: 'two', supersedes: 'one', userId: 'u2' })], stamp },
      { type: 'remember', drafts: [draft({ id: 'three', key: 'k', userId: 'u2' })], stamp },
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome : outcome.error.code))).toEqual([
      'NOT_FOUND',
      { ok: true, type: 'forget', forgotten: [] },
      'NOT_FOUND',
      'FORBIDDEN',
    ]);
    expect(store.state.memoryCount()).toBe(1);
    expect(store.state.records.unchecked('one')).toMatchObject({ revision: 1, user_id: 'u1', state: 'active' });
  });

  test('writes nothing if a whole batch fails, and drops the numbers that the batch assigned', () => {
    const store = emptyState();
    store.apply([openToAll, remember(agentA, 1, draft({ id: 'one' }))]);
    const [before, labels] = [contents(store.state.database), columnsOf(store)];
    const batch = [
      remember(agentB, 2, draft({ id: 'two', namespace: ['new', 'place'], accessTags: [] })),
      // More vectors than a memory can have: an internal error, not a refusal.
      remember(
        agentA,
        3,
        draft({ id: 'three', embedded: { space, vectors: Array(5_000).fill(Float32Array.of(1, 0)) } }),
      ),
    ];
    expect(() => store.apply(batch)).toThrow();
    expect(contents(store.state.database)).toEqual(before);
    expect(columnsOf(store)).toEqual(labels);
    const again = reopened(store);
    for (const each of [store, again]) {
      expect(each.state.interning.findLabelSet(['new', 'place'], [])).toBeUndefined();
      expect(each.state.interning.findActor(agentB)).toBeUndefined();
      expect(each.state.interning.currentSpace).toBeUndefined();
      expect(each.state.lastChangeSeq).toBe(1);
    }
    expect(store.apply([remember(agentB, 4, draft({ id: 'two' }))]).outcomes[0]?.ok).toBe(true);
  });

  test('rejects an id that any memory has ever had, even a forgotten memory', () => {
    const store = emptyState();
    store.apply([remember(root, 1, draft({ id: 'one' }))]);
    const again = () => store.apply([remember(root, 2, draft({ id: 'one', text: 'other' }))]).outcomes[0];
    expect(again()).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    store.apply([{ type: 'forget', ids: ['one'], stamp: { at: 3, by: root, scope: {}, seed: new Uint8Array(16) } }]);
    expect(again()).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    expect(store.state.memoryCount()).toBe(0);
  });
});
