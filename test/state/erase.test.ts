import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Change, Command, SpaceName, Stamp } from '../../src/domain/command';
import type { Declaration } from '../../src/domain/declaration';
import { defined } from '../../src/domain/defined';
import type { ErasureSubject, ErasureTarget } from '../../src/domain/erasure';
import { type Actor, root } from '../../src/domain/principal';
import { type ErasurePlanOptions, findSubject, planErasure } from '../../src/state/queries/erasure-plan';
import { subjectOf } from '../../src/state/tables/erased-subject';
import { damagedNames } from '../../src/state/tables/name-rows';
import { agentA, agentB, contents, draft, emptyState, openToAll, reopened, type TestState } from './test-state';

const seed = new Uint8Array(16);
const stamp: Stamp = { at: 9, by: root, scope: {}, seed };
const subject = { kind: 'user', hash: 'hash of kim', depth: 0 } as const;

function erase(ids: readonly string[], erasure = 'e'): Command {
  return { type: 'erase', erasure, subject, ids, stamp };
}

/** A state with one memory for each field that can name somebody. */
function stateWithSubject(): TestState {
  const made = emptyState();
  const by = (change: Change, actor = agentA): Command => ({ ...change, stamp: { ...stamp, at: 5, by: actor } });
  const about = draft({
    id: 'about',
    text: 'canary lives in Bern',
    userId: 'canary-user',
    sessionId: 'canary-session',
    tags: ['canary-tag'],
    metadata: { canary: 'canary' },
    key: 'canary-key',
    source: { channel: 'tool', ref: 'canary-ref' },
    idempotency: { key: 'canary-idempotency', digest: 'canary-digest' },
  });
  made.apply([
    openToAll,
    by({ type: 'remember', drafts: [about] }),
    by({ type: 'update', id: 'about', patch: { text: 'canary lives in Chur' } }, agentB),
    by({ type: 'remember', drafts: [{ ...about, id: 'ignored', userId: 'canary-next', text: 'canary' }] }),
    by({ type: 'remember', drafts: [draft({ id: 'forgotten', userId: 'canary-user', tags: ['canary-tag'] })] }),
    by({ type: 'forget', ids: ['forgotten'] }),
    by({ type: 'endorse', id: 'about', as: 'standard' }, root),
    by({ type: 'remember', drafts: [draft({ id: 'other', text: 'another note' })] }),
  ]);
  return made;
}

describe('erase', () => {
  test('leaves nothing of a memory but its random id, whether or not it was forgotten before', () => {
    const { state, apply } = stateWithSubject();
    const [outcome] = apply([erase(['about', 'forgotten', 'unknown', 'about'])]).outcomes;
    expect(outcome).toMatchObject({ ok: true, erased: ['about', 'forgotten'], withheld: [] });
    expect(JSON.stringify(contents(state.database))).not.toContain('canary');
    expect(contents(state.database)).toMatchObject({ contributors: [], endorsements: [], idempotency: [], tags: [] });
    expect(state.records.tombstoneOrRecord('about')).toMatchObject({ state: 'forgotten', user_id: null, tags: '[]' });
    expect(state.records.tombstoneOrRecord('forgotten')).toMatchObject({ session_id: null, tags: '[]' });
    expect(state.records.unchecked('other')?.text).toBe('another note');
  });

  test('does nothing to what was erased before, and counts each memory once', () => {
    const { state, apply } = stateWithSubject();
    apply([erase(['about'])]);
    const [outcome] = apply([erase(['about', 'forgotten'])]).outcomes;
    expect(outcome).toMatchObject({ ok: true, erased: ['forgotten'] });
    expect(state.erasures.byId('e')).toMatchObject({ erased: 2, subject });
  });

  test('keeps what a hold concerns until the last hold ends, and is then complete', () => {
    const { state, apply } = stateWithSubject();
    const hold = (id: string): Command => ({ type: 'hold', id, matter: 'm', scope: { tags: ['canary-tag'] }, stamp });
    const [, , outcome, finished] = apply([
      hold('one'),
      hold('two'),
      erase(['about', 'forgotten', 'other']),
      { type: 'finish-erasure', erasure: 'e', stamp },
    ]).outcomes;
    expect(outcome).toMatchObject({ erased: ['about', 'other', 'forgotten'], withheld: ['about'] });
    expect(finished).toMatchObject({ ok: true, state: 'waiting' });
    const stateOf = () => state.erasures.all().map((each) => [each.erased, state.erasures.stateOf(each)]);
    apply([{ type: 'release-hold', id: 'one', stamp }]);
    expect([stateOf(), state.holds.withheldRows(0, 9).length]).toEqual([[[3, 'waiting']], 1]);
    apply([{ type: 'release-hold', id: 'two', stamp }]);
    expect([stateOf(), state.holds.withheldRows(0, 9).length]).toEqual([[[3, 'complete']], 0]);
  });

  test('erases what a hold had kept from being forgotten, when the hold ends', () => {
    const { state, apply } = stateWithSubject();
    apply([
      { type: 'hold', id: 'one', matter: 'm', scope: { userId: 'canary-user' }, stamp },
      { type: 'forget', ids: ['about'], stamp },
    ]);
    expect(apply([erase(['about'])]).outcomes).toMatchObject([{ erased: ['about'], withheld: ['about'] }]);
    apply([{ type: 'release-hold', id: 'one', stamp }]);
    expect(state.erasures.waiting('e')).toBe(0);
  });

  test('erases the facts that quote a memory, and makes their other sources active again', () => {
    const { state, apply } = emptyState();
    const drafts = ['one', 'two', 'three'].map((id) => draft({ id, text: `source ${id}`, userId: 'u' }));
    const sources = drafts.map(({ id }) => ({ id, revision: 1 }));
    const facts = [
      { id: 'fact', text: 'fact of one and two', from: [0, 1] },
      { id: 'rest', text: 'fact of three', from: [2] },
    ];
    const outcomes = apply([
      openToAll,
      { type: 'remember', drafts, stamp },
      { type: 'consolidate', sources, facts, summarizer: 's', stamp },
      erase(['one']),
    ]).outcomes;
    expect(outcomes.at(-1)).toMatchObject({ ok: true, erased: ['fact', 'one'] });
    const stateOf = (id: string) => state.records.tombstoneOrRecord(id)?.state;
    expect(['one', 'two', 'three', 'fact', 'rest'].map(stateOf)).toEqual([
      'forgotten',
      'active',
      'consolidated',
      'forgotten',
      'active',
    ]);
    expect(state.records.tombstoneOrRecord('fact')).toMatchObject({ user_id: null, source_channel: 'agent' });
  });

  test('never raises the trust of what was made from a memory', () => {
    const { state, apply } = emptyState();
    const drafts = [draft({ id: 'tool', source: { channel: 'tool' } })];
    const made = [draft({ id: 'made', derivedFrom: ['tool'] })];
    apply([openToAll, { type: 'remember', drafts, stamp: { ...stamp, by: agentA } }]);
    apply([{ type: 'remember', drafts: made, stamp: { ...stamp, by: agentA } }]);
    const trust = () => state.trustOf(state.records.unchecked('made') as never);
    const before = trust();
    apply([erase(['tool'])]);
    expect([before, trust()]).toEqual([1, 1]);
  });

  test('belongs to the host, and each erasure has its own id and subject', () => {
    const { apply } = stateWithSubject();
    const codes = apply([
      { ...erase(['about']), stamp: { ...stamp, by: agentA } },
      { type: 'finish-erasure', erasure: 'e', stamp: { ...stamp, by: agentA } },
      { type: 'finish-erasure', erasure: 'e', stamp },
      erase([]),
      { type: 'erase', erasure: 'e', subject: { ...subject, hash: 'other' }, ids: [], stamp },
      { type: 'finish-erasure', erasure: 'e', stamp },
      erase([]),
    ]).outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code));
    expect(codes).toEqual(['FORBIDDEN', 'FORBIDDEN', 'NOT_FOUND', 'ok', 'INVALID_INPUT', 'ok', 'ok']);
  });
});

/** The plan of an erasure, without its empty lists. */
function planOf({ state }: TestState, target: ErasureTarget, options: ErasurePlanOptions = {}) {
  const plan = resultOf(planErasure(state, target, options));
  return Object.fromEntries(Object.entries(plan).filter(([, ids]) => ids.length > 0));
}

function resultOf<T>(steps: Generator<void, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

describe('the plan of an erasure', () => {
  const kim = { party: { kind: 'user', id: 'kim' } } as const;
  const forKim = { party: { kind: 'agent', id: 'a' }, onBehalfOf: { kind: 'user', id: 'kim' } } as const;
  const by = (change: Change, actor: Actor = agentA): Command => ({ ...change, stamp: { ...stamp, by: actor } });
  const stored = (given: Parameters<typeof draft>[0], actor: Actor = agentA) =>
    by({ type: 'remember', drafts: [draft(given)] }, actor);

  test('lists what is about the subject, what it wrote, what was made from it, what is held, and what mentions it', () => {
    const made = emptyState();
    made.apply([
      openToAll,
      stored({ id: 'about', userId: 'kim', namespace: ['n', 'm'] }),
      stored({ id: 'former', userId: 'kim', key: 'k' }),
      stored({ id: 'unused', userId: 'lee', key: 'k' }),
      stored({ id: 'tombstone', userId: 'kim' }),
      by({ type: 'forget', ids: ['tombstone'] }),
      stored({ id: 'by', userId: 'lee' }, kim),
      stored({ id: 'on behalf', namespace: ['x'] }, forKim),
      stored({ id: 'changed', text: 'something' }),
      by({ type: 'update', id: 'changed', patch: { priority: 1 } }, kim),
      stored({ id: 'made', derivedFrom: ['about'] }),
      stored({ id: 'mention', text: 'KIM was here' }),
      stored({ id: 'tagged', tags: ['of-kim'] }),
      stored({ id: 'once', text: 'Kim called' }),
      by({ type: 'update', id: 'once', patch: { text: 'somebody called' } }),
      stored({ id: 'source', userId: 'lee' }, kim),
      by({
        type: 'consolidate',
        sources: [{ id: 'source', revision: 1 }],
        facts: [{ id: 'fact', text: 'a fact', from: [0] }],
        summarizer: 's',
      }),
      { type: 'hold', id: 'h', matter: 'm', scope: { namespace: ['x'] }, stamp },
    ]);
    const all = {
      about: ['about', 'former', 'tombstone'],
      by: ['by', 'on behalf', 'source', 'fact'],
      held: ['on behalf'],
      mentions: ['mention', 'tagged', 'once'],
      related: ['changed', 'made'],
    };
    expect(planOf(made, { userId: 'kim' }, { mentions: ['kim', ''] })).toEqual(all);
    const { by: _, held: __, ...kept } = all;
    expect(planOf(made, { userId: 'kim' }, { mentions: ['Kim'], keepAuthored: true })).toEqual(kept);
    expect(planOf(made, { ids: ['source', 'none'] })).toEqual({ about: ['source'], derived: ['fact'] });
    expect(planOf(made, { namespace: ['n', 'm'] })).toEqual({ about: ['about'], related: ['made'] });
    expect(planOf(made, { userId: 'kim' }, { until: 1 })).toEqual({ related: ['changed'] });
  });

  test('lists what a hold keeps, although another erasure has left only the id', () => {
    const made = emptyState();
    made.apply([
      openToAll,
      stored({ id: 'held', userId: 'kim' }),
      { type: 'hold', id: 'h', matter: 'm', scope: { userId: 'kim' }, stamp },
      { type: 'erase', erasure: 'first', ids: ['held'], stamp },
      { type: 'finish-erasure', erasure: 'first', stamp },
    ]);
    expect(planOf(made, { userId: 'kim' })).toEqual({ about: ['held'], held: ['held'] });
    made.apply([erase(['held'], 'second')]);
    expect(['first', 'second'].map((id) => made.state.erasures.waiting(id))).toEqual([1, 1]);
  });

  test('leaves no vector of a memory in any space', () => {
    const { state, apply } = emptyState();
    const [one, two] = ['one', 'two'].map((model) => ({ model, dimensions: 2, normalized: true }));
    const vectors = [Float32Array.of(1, 0)];
    apply([
      openToAll,
      stored({ id: 'both', embedded: { space: one as SpaceName, vectors } }),
      { type: 'begin-space', space: two as SpaceName, stamp },
      { type: 'embed', space: two as SpaceName, memories: [{ row: 1, text: 'note', vectors }], stamp },
    ]);
    expect(contents(state.database)).toMatchObject({ vectors: [{}, {}], embedded: [{}] });
    apply([erase(['both'])]);
    expect(contents(state.database)).toMatchObject({ vectors: [], embedded: [] });
  });

  test('finds the subject by its hash, wherever it is named', () => {
    const storeKey = new Uint8Array(32).fill(7);
    for (const [command, target] of [
      [stored({ id: '1', userId: 'kim' }), { userId: 'kim' }],
      [stored({ id: '1' }, kim), { userId: 'kim' }],
      [stored({ id: '1' }, forKim), { userId: 'kim' }],
      [stored({ id: '1', namespace: ['n', 'm', 'o'] }), { namespace: ['n', 'm'] }],
    ] as const) {
      const { state, apply } = emptyState();
      apply([openToAll, command]);
      const hashed = subjectOf(storeKey, target) as ErasureSubject;
      expect(resultOf(findSubject(state, storeKey, hashed))).toEqual(target);
      expect(resultOf(findSubject(state, new Uint8Array(32), hashed))).toBeUndefined();
    }
  });
});

describe('the end of an erasure', () => {
  const kim = { party: { kind: 'user', id: 'kim' } } as const;
  const forKim = { party: { kind: 'agent', id: 'a' }, onBehalfOf: { kind: 'user', id: 'kim' } } as const;
  const by = (change: Change, actor: Actor): Command => ({ ...change, stamp: { ...stamp, by: actor } });
  const storeKey = new Uint8Array(32).fill(1);
  const begin: Command[] = [{ type: 'bootstrap', storeKey, stamp }, openToAll];
  const finish = (erasure: string): Command => ({ type: 'finish-erasure', erasure, stamp });
  const pseudonym = (erasure: string) => `erased-${createHash('sha256').update(erasure).digest('hex').slice(0, 16)}`;
  const declare = (id: string, declaration: Declaration): Command => ({
    type: 'add-declaration',
    added: { id, declaration },
    stamp,
  });

  /** Erases a target as its plan says, and finishes the erasure. */
  function eraseAll({ state, apply }: TestState, target: ErasureTarget, erasure: string, options = {}) {
    const { about, by: written } = resultOf(planErasure(state, target, options));
    const subject = subjectOf(storeKey, target);
    const range: Command = { type: 'erase', erasure, ids: [...about, ...written], stamp, ...defined({ subject }) };
    return apply([range, finish(erasure)]).outcomes.at(-1);
  }

  test('leaves no name of a user in any table, and keeps what others still need', () => {
    const made = emptyState();
    const { state, apply } = made;
    apply([
      ...begin,
      declare('tag', { clear: 'kim', to: 'everyone', at: [] }),
      by({ type: 'remember', drafts: [draft({ id: 'about', userId: 'kim', namespace: ['users', 'kim'] })] }, agentA),
      by({ type: 'remember', drafts: [draft({ id: 'by', accessTags: ['kim'], visibility: 'private' })] }, kim),
      by({ type: 'remember', drafts: [draft({ id: 'other', text: 'note of another' })] }, agentA),
      by({ type: 'update', id: 'other', patch: { text: 'changed' } }, forKim),
      declare('rule', { effect: 'allow', to: { userId: 'kim' }, actions: 'reader', at: ['n'] }),
      declare('clearance', { clear: 'secret', to: { userId: 'kim' }, at: [] }),
      declare('place', { effect: 'deny', to: { agentId: 'b' }, actions: 'reader', at: ['users', 'kim', 'x'] }),
      declare('ceiling', { ceiling: 'reported', to: { userId: 'kim' }, at: [] }),
      declare('group', { group: 'g', members: [{ userId: 'kim' }, { userId: 'lee' }] }),
      declare('ended', { effect: 'allow', to: { userId: 'kim' }, actions: 'reader', at: ['x'] }),
      { type: 'end-declaration', id: 'ended', stamp },
      { type: 'hold', id: 'h', matter: 'about kim', scope: { userId: 'kim' }, stamp },
      { type: 'release-hold', id: 'h', stamp },
    ]);
    expect(['about', 'by', 'other'].map((id) => state.records.unchecked(id)?.revision)).toEqual([1, 1, 2]);
    const trust = () => state.trustOf(state.records.unchecked('other') as never);
    const before = trust();
    expect(eraseAll(made, { userId: 'kim' }, 'e')).toMatchObject({ ok: true, state: 'complete', inUse: 0 });
    expect(JSON.stringify(contents(state.database))).not.toContain('kim');
    expect([before, trust()]).toEqual([1, 1]);
    const name = pseudonym('e');
    expect(state.interning.actors().map(({ actor }) => actor)).toContainEqual({
      party: { kind: 'agent', id: 'a' },
      onBehalfOf: { kind: 'user', id: name },
    });
    expect([...state.policy.declared.keys()]).toEqual(['all', 'ceiling', 'group']);
    expect(state.policy.declared.get('group')?.declaration).toMatchObject({
      members: [{ userId: name }, { userId: 'lee' }],
    });
    expect(damagedNames(state.database, state.checksum)).toEqual([]);
    expect(state.records.tombstoneOrRecord('other')?.text).toBe('changed');
    expect(contents(reopened(made).state.database)).toEqual(contents(state.database));
    expect(reopened(made).state.interning.actors()).toEqual(state.interning.actors());
  });

  test('lets the same user return as anybody new', () => {
    const made = emptyState();
    const { state, apply } = made;
    const write = (id: string): Command =>
      by({ type: 'remember', drafts: [draft({ id, userId: 'kim', key: 'k' })] }, kim);
    apply([...begin, write('first')]);
    eraseAll(made, { userId: 'kim' }, 'e1');
    apply([write('second')]);
    expect(state.records.unchecked('second')).toMatchObject({ user_id: 'kim', key: 'k' });
    expect(state.interning.actor(state.records.unchecked('second')?.author as number)).toEqual(kim);
    expect(eraseAll(made, { userId: 'kim' }, 'e2')).toMatchObject({ state: 'complete' });
    apply([write('third')]);
    expect(eraseAll(made, { userId: 'kim' }, 'e2')).toMatchObject({ state: 'complete' });
    expect(JSON.stringify(contents(state.database))).not.toContain('kim');
  });

  test('keeps what the user has written about others, under a pseudonym', () => {
    const made = emptyState();
    const { state, apply } = made;
    apply([...begin, by({ type: 'remember', drafts: [draft({ id: 'kept', userId: 'lee' })] }, kim)]);
    eraseAll(made, { userId: 'kim' }, 'e', { keepAuthored: true });
    const kept = state.records.unchecked('kept');
    expect(state.interning.actor(kept?.author as number)).toEqual({ party: { kind: 'user', id: pseudonym('e') } });
    expect(state.rowChecksum.isIntact(kept as never)).toBe(true);
  });

  test('puts pseudonyms in the place of the labels of a namespace, and of nothing beside it', () => {
    const made = emptyState();
    const { state, apply } = made;
    const at = (id: string, ...namespace: string[]) =>
      by({ type: 'remember', drafts: [draft({ id, namespace, accessTags: ['acme-tag'] })] }, root);
    apply([
      ...begin,
      at('1', 'tenants', 'acme'),
      at('2', 'tenants', 'acme', 'acme-sales'),
      at('3', 'tenants', 'other'),
      declare('retention', { retain: 'forget', maxAgeDays: 9, at: ['tenants', 'acme'] }),
      declare('rule', {
        effect: 'allow',
        to: { agentId: 'b' },
        actions: 'reader',
        at: ['tenants', 'acme', 'acme-sales'],
      }),
    ]);
    eraseAll(made, { namespace: ['tenants', 'acme'] }, 'e');
    expect(JSON.stringify(contents(state.database)).match(/acme[a-z-]*/g)).toEqual(['acme-tag']);
    expect(
      state.interning.namespaces().map(({ path }) => path.map((label) => label.replace(/^erased-.*/, 'erased'))),
    ).toEqual([['tenants'], ['tenants', 'erased'], ['tenants', 'erased', 'erased'], ['tenants', 'other']]);
    apply([at('4', 'tenants', 'acme')]);
    expect(state.records.unchecked('4')?.label_set).toBe(4);
  });

  test('keeps the names that a hold needs, until the last hold ends', () => {
    const made = emptyState();
    const { state, apply } = made;
    apply([
      ...begin,
      by({ type: 'remember', drafts: [draft({ id: 'held', userId: 'kim', namespace: ['users', 'kim'] })] }, kim),
      by({ type: 'remember', drafts: [draft({ id: 'kept', namespace: ['x'] })] }, forKim),
      { type: 'hold', id: 'one', matter: 'm', scope: { userId: 'kim' }, stamp },
      { type: 'hold', id: 'two', matter: 'm', scope: { namespace: ['x'] }, stamp },
    ]);
    expect(eraseAll(made, { userId: 'kim' }, 'e', { keepAuthored: true })).toMatchObject({
      state: 'waiting',
      inUse: 0,
    });
    const authors = () => state.interning.actors().map(({ actor }) => JSON.stringify(actor).includes('kim'));
    expect(authors().filter(Boolean)).toHaveLength(2);
    apply([{ type: 'release-hold', id: 'one', stamp }]);
    expect(authors().filter(Boolean)).toHaveLength(2);
    expect(state.erasures.all().map((each) => state.erasures.stateOf(each))).toEqual(['waiting']);
    apply([{ type: 'release-hold', id: 'two', stamp }]);
    expect(state.erasures.all().map((each) => state.erasures.stateOf(each))).toEqual(['complete']);
    expect(JSON.stringify(contents(state.database))).not.toContain('kim');
  });

  test('keeps the name of a namespace that other memories use, and says so', () => {
    const made = emptyState();
    made.apply([
      ...begin,
      by({ type: 'remember', drafts: [draft({ id: 'about', userId: 'kim', namespace: ['kim', 'a'] })] }, agentA),
      by({ type: 'remember', drafts: [draft({ id: 'other', namespace: ['kim', 'b'] })] }, agentA),
    ]);
    expect(eraseAll(made, { userId: 'kim' }, 'e')).toMatchObject({ state: 'complete', inUse: 1 });
    expect(made.state.interning.findNamespace(['kim', 'b'])).toBeDefined();
  });

  test('is taken back whole if the command is refused', () => {
    const made = emptyState();
    const { state, apply } = made;
    apply([...begin, by({ type: 'remember', drafts: [draft({ id: 'about', userId: 'kim' })] }, kim)]);
    state.database.exec("insert into holds values ('h', 'm', '{}', 1, 2, 'wrong')");
    expect(eraseAll(made, { userId: 'kim' }, 'e')).toMatchObject({ ok: false, error: { code: 'RECORD_DAMAGED' } });
    expect(state.interning.findActor(kim)).toBeDefined();
    expect(state.erasures.all()[0]?.finished).toBeUndefined();
  });
});
