import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command, LabelChange, MemoryDraft, Outcome } from '../../src/domain/command';
import { clear, type Declaration, group, role } from '../../src/domain/declaration';
import { type Actor, root } from '../../src/domain/principal';
import { allow, deny } from '../../src/domain/rule';
import type { ColumnStore } from '../../src/state/column-store';
import type { StateStore } from '../../src/state/state-store';
import { agentA, agentB, contents, draft, emptyTruth, openToAll, remember, reopened } from './truths';

const space = { model: 'test', dimensions: 2, normalized: true };
const actors: Actor[] = [root, agentA, agentB];

const drafted: fc.Arbitrary<Omit<MemoryDraft, 'id'>> = fc
  .record(
    {
      text: fc.constantFrom('apple', 'banana apple', 'cherry \ud800', ''),
      namespace: fc.constantFrom<string[]>(['n'], ['n', 'm'], ['x', 'y', 'z'], []),
      visibility: fc.constantFrom('shared' as const, 'private' as const),
      accessTags: fc.constantFrom<string[]>([], ['t'], ['t', 's']),
      tags: fc.constantFrom<string[]>([], ['a'], ['a', 'b']),
      key: fc.constantFrom('k1', 'k2'),
      supersedes: fc.constantFrom('id-0', 'id-3', 'id-7', 'none'),
      expiresAt: fc.nat(50),
      idempotency: fc.record({ key: fc.constantFrom('i1', 'i2'), digest: fc.constantFrom('d1', 'd2') }),
      embedded: fc.constantFrom(
        { space, vectors: [Float32Array.of(1, 0)] },
        { space, vectors: [Float32Array.of(0, 1), Float32Array.of(1, 0)] },
        { space: { ...space, model: 'another' }, vectors: [Float32Array.of(1, 0)] },
      ),
    },
    { requiredKeys: ['text', 'namespace'] },
  )
  .map((fields) => draft({ id: '', ...fields }));

const id = fc.nat(12).map((n) => `id-${n}`);
type Undated<T> = T extends unknown ? Omit<T, 'stamp'> : never;
const deed: fc.Arbitrary<Undated<Command>> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(drafted, { minLength: 1, maxLength: 3 })
      .map((drafts) => ({ type: 'remember' as const, drafts: drafts as MemoryDraft[] })),
  },
  fc.record({
    type: fc.constant('update' as const),
    id,
    patch: fc.constantFrom({ text: 'damson' }, { tags: ['c'], priority: 0.1 }, { expiresAt: null, metadata: { a: 1 } }),
  }),
  fc.record({ type: fc.constant('forget' as const), ids: fc.array(id, { minLength: 1, maxLength: 2 }) }),
  fc.record({
    type: fc.constant('declare' as const),
    declarations: fc
      .constantFrom(
        allow('everyone', 'curator', []),
        allow({ agentId: 'a' }, 'writer', ['n']),
        allow('everyone', 'writer', []),
      )
      .map((declaration) => [{ id: '', declaration }]),
  }),
  fc.record({
    type: fc.constant('add-declaration' as const),
    added: fc
      .constantFrom<Declaration>(
        deny('everyone', ['read'], ['n']),
        clear({ agentId: 'a' }, 'secret', ['n']),
        role('scribe', ['write']),
        allow({ agentId: 'a' }, 'scribe', []),
        group('team', [{ agentId: 'b' }]),
        allow({ group: 'team' }, 'curator', ['n']),
      )
      .map((declaration) => ({ id: '', declaration })),
  }),
  fc.record({ type: fc.constant('end-declaration' as const), id }),
  fc.record({
    type: fc.constant('share' as const),
    id,
    change: fc.constantFrom<LabelChange>({ visibility: 'private' }, { namespace: ['m'] }, { accessTags: ['secret'] }),
  }),
);

/** Any commands, by anybody; ids count over the whole list. */
const commands: fc.Arbitrary<Command[]> = fc
  .array(fc.tuple(deed, fc.constantFrom(...actors)), { maxLength: 25 })
  .map((deeds) => {
    let ids = 0;
    return deeds.map(([each, by], at) => {
      const stamp = { at, by: each.type.includes('declar') ? root : by, scope: {}, seed: new Uint8Array(16) };
      if (each.type === 'declare') {
        const declarations = each.declarations.map((one) => ({ ...one, id: `id-${ids++}` }));
        return { ...each, declarations, stamp };
      }
      if (each.type === 'add-declaration') return { ...each, added: { ...each.added, id: `id-${ids++}` }, stamp };
      if (each.type !== 'remember') return { ...each, stamp } as Command;
      return { ...each, drafts: each.drafts.map((one) => ({ ...one, id: `id-${ids++}` })), stamp };
    });
  });

function told(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map((outcome) => (outcome.ok ? outcome : [outcome.error.code, outcome.error.message]));
}

function applyAll(state: StateStore, frames: readonly (readonly Command[])[]): Outcome[] {
  return frames.flatMap((frame) => [...state.apply(frame).outcomes]);
}

function labelsOf(columns: ColumnStore): unknown[] {
  const { labelSet, owner, active, chunks, length, validFrom, expiresAt, priority, last } = columns;
  return Array.from({ length: last }, (_, i) => {
    const row = i + 1;
    if (labelSet[row] === 0) return 'gone';
    return [labelSet, owner, active, chunks, length, validFrom, expiresAt, priority].map((column) => column[row]);
  });
}

function unaudited(tables: Record<string, unknown[]>): Record<string, unknown[]> {
  return Object.fromEntries(Object.entries(tables).filter(([name]) => !name.startsWith('audit_')));
}

describe('apply', () => {
  test('gives the same state and the same answers for the same commands, however they are framed', () => {
    fc.assert(
      fc.property(commands, fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }), (all, sizes) => {
        const [together, apart] = [emptyTruth(), emptyTruth()];
        const frames: Command[][] = [[openToAll]];
        for (let from = 0; from < all.length; ) {
          const size = sizes[frames.length % sizes.length] as number;
          frames.push(all.slice(from, from + size));
          from += size;
        }
        const outcomes = applyAll(together, frames);
        expect(
          told(
            applyAll(
              apart,
              [openToAll, ...all].map((command) => [command]),
            ),
          ),
        ).toEqual(told(outcomes));
        expect(contents(apart.database)).toEqual(contents(together.database));
        expect(labelsOf(apart.columns)).toEqual(labelsOf(together.columns));
      }),
      { numRuns: 60 },
    );
  });

  test('leaves of a refused command nothing but its entry in the audit, and hinders no other', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const truth = emptyTruth();
        const outcomes = applyAll(truth, [[openToAll], all]).slice(1);
        const without = emptyTruth();
        const taken = all.filter((_, i) => outcomes[i]?.ok);
        expect(told(applyAll(without, [[openToAll], taken]).slice(1))).toEqual(told(outcomes.filter(({ ok }) => ok)));
        expect(unaudited(contents(without.database))).toEqual(unaudited(contents(truth.database)));
        expect(truth.auditLog.chain.size).toBe(all.length + 1);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps in memory what a process that opens the database now would find', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const truth = emptyTruth();
        applyAll(truth, [[openToAll], all]);
        const again = reopened(truth);
        expect(labelsOf(again.columns)).toEqual(labelsOf(truth.columns));
        expect(again.lastChangeSeq).toBe(truth.lastChangeSeq);
        expect(again.interning.labelSetCount).toBe(truth.interning.labelSetCount);
        expect(again.interning.actors()).toEqual(truth.interning.actors());
        expect(again.interning.currentSpace).toEqual(truth.interning.currentSpace);
        expect(again.policy.version).toBe(truth.policy.version);
        expect([...again.policy.declared]).toEqual([...truth.policy.declared]);
      }),
      { numRuns: 40 },
    );
  });

  test('reports every change once, in order, with entries that count', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const truth = emptyTruth();
        truth.apply([openToAll]);
        const { changes } = truth.apply(all);
        expect(changes.map(({ changeSeq }) => changeSeq)).toEqual(changes.map((_, i) => i + 1));
        expect(
          truth.changes.after(0, 1_000).map(({ change_seq, id: changed, type }) => [change_seq, changed, type]),
        ).toEqual(changes.map(({ changeSeq, id: changed, type }) => [changeSeq, changed, type]));
        expect(truth.lastChangeSeq).toBe(changes.length);
      }),
      { numRuns: 40 },
    );
  });

  test('decides anew: what was allowed when it was proposed is refused when a rule came between', () => {
    const truth = emptyTruth();
    truth.apply([openToAll, remember(agentA, 1, draft({ id: 'one' }))]);
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
    const { outcomes } = truth.apply([
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
    expect(truth.memoryCount()).toBe(2);
  });

  test('takes rules from root alone', () => {
    const truth = emptyTruth();
    const { outcomes } = truth.apply([
      { ...openToAll, stamp: { at: 0, by: agentA, scope: {}, seed: new Uint8Array(16) } } as Command,
    ]);
    expect(told(outcomes)[0]).toMatchObject(['FORBIDDEN', expect.any(String)]);
    expect(truth.policy.version).toBe(0);
  });

  test('changes nothing outside the scope of the handle that proposed it', () => {
    const truth = emptyTruth();
    truth.apply([openToAll, remember(agentA, 1, draft({ id: 'one', key: 'k', userId: 'u1', tags: ['t'] }))]);
    const stamp = { at: 2, by: agentA, scope: { userId: 'u2' }, seed: new Uint8Array(16) };
    const { outcomes } = truth.apply([
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
    expect(truth.memoryCount()).toBe(1);
    expect(truth.records.unchecked('one')).toMatchObject({ revision: 1, user_id: 'u1', state: 'active' });
  });

  test('writes nothing of a frame that fails as a whole, and knows nothing of it afterwards', () => {
    const truth = emptyTruth();
    truth.apply([openToAll, remember(agentA, 1, draft({ id: 'one' }))]);
    const [before, labels] = [contents(truth.database), labelsOf(truth.columns)];
    const frame = [
      remember(agentB, 2, draft({ id: 'two', namespace: ['new', 'place'], accessTags: [] })),
      // More vectors than any text has parts: no refusal, but a mistake that must not pass.
      remember(
        agentA,
        3,
        draft({ id: 'three', embedded: { space, vectors: Array(5_000).fill(Float32Array.of(1, 0)) } }),
      ),
    ];
    expect(() => truth.apply(frame)).toThrow();
    expect(contents(truth.database)).toEqual(before);
    expect(labelsOf(truth.columns)).toEqual(labels);
    const again = reopened(truth);
    for (const each of [truth, again]) {
      expect(each.interning.findLabelSet(['new', 'place'], [])).toBeUndefined();
      expect(each.interning.findActor(agentB)).toBeUndefined();
      expect(each.interning.currentSpace).toBeUndefined();
      expect(each.lastChangeSeq).toBe(1);
    }
    expect(truth.apply([remember(agentB, 4, draft({ id: 'two' }))]).outcomes[0]?.ok).toBe(true);
  });

  test('refuses an id that was ever used, forgotten or not', () => {
    const truth = emptyTruth();
    truth.apply([remember(root, 1, draft({ id: 'one' }))]);
    const again = () => truth.apply([remember(root, 2, draft({ id: 'one', text: 'other' }))]).outcomes[0];
    expect(again()).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    truth.apply([{ type: 'forget', ids: ['one'], stamp: { at: 3, by: root, scope: {}, seed: new Uint8Array(16) } }]);
    expect(again()).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    expect(truth.memoryCount()).toBe(0);
  });
});
