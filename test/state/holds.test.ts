import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import type { Change, Command } from '../../src/domain/command';
import { defined } from '../../src/domain/defined';
import { contains } from '../../src/domain/namespace';
import { type Actor, root } from '../../src/domain/principal';
import { allow } from '../../src/domain/rule';
import type { ParsedScope } from '../../src/domain/scope';
import { planErasure } from '../../src/state/queries/erasure-plan';
import { agentA, agentB, contents, draft, emptyState, type TestState } from './test-state';

// `npm run test:lifecycle -- --holds 10000` runs the whole proof.
const sequences = inject('holds') ?? 40;

interface Version {
  readonly text: string;
  readonly namespace: readonly string[];
  readonly tags: readonly string[];
  readonly userId: string | undefined;
  readonly agentId: string;
}

/** A retention. */
interface Limit {
  readonly within: readonly string[];
  readonly days: number | undefined;
  readonly number: number | undefined;
  readonly then: 'forget' | 'consolidate';
}

type Op =
  | { readonly type: 'remember'; readonly version: Omit<Version, 'text'>; readonly isKeyed: boolean }
  | { readonly type: 'update' | 'retag' | 'move' | 'pin' | 'forget' | 'erase'; readonly at: number }
  | { readonly type: 'erase user' }
  | ({ readonly type: 'retain' } & Limit)
  | { readonly type: 'sweep' }
  | { readonly type: 'end'; readonly at: number }
  | { readonly type: 'hold'; readonly scope: ParsedScope }
  | { readonly type: 'release'; readonly at: number };

const namespace = fc.constantFrom<string[]>(['n'], ['n', 'm'], ['x']);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('remember' as const),
      version: fc.record({
        namespace,
        tags: fc.constantFrom<string[]>([], ['t'], ['t', 'u']),
        userId: fc.constantFrom(undefined, 'kim', 'lee'),
        agentId: fc.constantFrom('a', 'b'),
      }),
      isKeyed: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom<'update' | 'retag' | 'move' | 'pin' | 'forget' | 'erase'>(
        ...(['update', 'retag', 'move', 'pin', 'forget', 'forget', 'erase'] as const),
      ),
      at: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('hold' as const),
      scope: fc.constantFrom<ParsedScope>(
        { namespace: ['n'] },
        { namespace: ['n', 'm'], tags: ['t'] },
        { userId: 'kim' },
        { tags: ['u'] },
        { agentId: 'b', namespace: ['x'] },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ type: 'erase user' as const }) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        type: fc.constant('retain' as const),
        within: namespace,
        limits: fc.constantFrom<Pick<Limit, 'days' | 'number'>>(
          { days: 3, number: undefined },
          { days: 8, number: undefined },
          { days: undefined, number: 1 },
          { days: undefined, number: 3 },
          { days: 5, number: 2 },
        ),
        then: fc.constantFrom<Limit['then']>('forget', 'forget', 'forget', 'consolidate'),
      })
      .map(({ limits, ...rest }) => ({ ...rest, ...limits })),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('end' as const), at: fc.nat() }) },
);

function matches(scope: ParsedScope, version: Version): boolean {
  const { namespace: within = [], userId, agentId, tags = [] } = scope;
  return (
    contains(within, version.namespace) &&
    (userId === undefined || userId === version.userId) &&
    (agentId === undefined || agentId === version.agentId) &&
    tags.every((tag) => version.tags.includes(tag))
  );
}

/** What memories, holds, retentions and withheld memories should be. */
class Model {
  readonly memories = new Map<string, Version[]>();
  readonly withheld = new Map<string, Version[]>();
  readonly holds = new Map<string, ParsedScope>();
  readonly gone: string[] = [];
  /** What each erasure has erased and a hold still keeps. */
  readonly awaiting = new Map<string, Set<string>>();

  /** Erases memories, and what was forgotten of others under a hold. */
  erase(erasure: string, ids: readonly string[]): void {
    const awaiting = new Set<string>();
    for (const id of ids) {
      if (this.memories.has(id)) this.forget(id);
      if (this.withheld.has(id)) awaiting.add(id);
    }
    this.awaiting.set(erasure, awaiting);
  }

  /** The memories that are about a user, or were kept of those that were. */
  about(userId: string): string[] {
    const all = [...this.memories, ...this.withheld];
    return all.filter(([, versions]) => versions.some((each) => each.userId === userId)).map(([id]) => id);
  }

  readonly retentions = new Map<string, Limit>();
  /** The days on which memories were stored. */
  readonly since = new Map<string, number>();
  readonly pinned = new Set<string>();

  isOver(id: string, today: number): boolean {
    return this.endedBy(id, today) !== undefined;
  }

  /** The retention whose days are over first. */
  endedBy(id: string, today: number): string | undefined {
    const since = this.since.get(id) ?? today;
    const ends = [...this.retentions].flatMap(([retention, { days, then, within }]) =>
      days === undefined || then !== 'forget' || !this.isWithin(id, within) ? [] : [{ retention, end: since + days }],
    );
    // Of equal ends the first counts, because the sort is stable.
    const [first] = ends.sort((a, b) => a.end - b.end);
    return first !== undefined && first.end <= today ? first.retention : undefined;
  }

  /** What a retention forgets in a sweep: what its days have reached, and the oldest of the others beyond its number. */
  sweptBy(retention: string, today: number): string[] {
    const { number, then, within } = this.retentions.get(retention) as Limit;
    const limited = [...this.memories.keys()].filter((id) => this.isWithin(id, within));
    const old = limited.filter((id) => this.endedBy(id, today) === retention);
    if (then !== 'forget' || number === undefined) return old;
    const others = limited.filter((id) => !old.includes(id)).sort((a, b) => numberOf(a) - numberOf(b));
    return [...old, ...others.slice(0, Math.max(0, others.length - number))];
  }

  isWithin(id: string, within: readonly string[]): boolean {
    const latest = this.memories.get(id)?.at(-1);
    return latest !== undefined && !this.pinned.has(id) && contains(within, latest.namespace);
  }

  isHeld(versions: readonly Version[]): boolean {
    return [...this.holds.values()].some((scope) => versions.some((version) => matches(scope, version)));
  }

  /** Whether a hold keeps a memory that is erased now. */
  keeps(id: string): boolean {
    return this.withheld.has(id) || this.isHeld(this.memories.get(id) ?? []);
  }

  forget(id: string): void {
    const versions = this.memories.get(id) ?? [];
    this.memories.delete(id);
    if (this.isHeld(versions)) this.withheld.set(id, versions);
    else this.gone.push(...versions.map(({ text }) => text));
  }

  release(id: string): void {
    this.holds.delete(id);
    for (const [held, versions] of this.withheld) {
      if (this.isHeld(versions)) continue;
      this.withheld.delete(held);
      for (const awaiting of this.awaiting.values()) awaiting.delete(held);
      this.gone.push(...versions.map(({ text }) => text));
    }
  }
}

const dayMs = 24 * 60 * 60 * 1000;
const seed = new Uint8Array(16);

/** A store with holds, one that gets the same commands without holds, and the model. */
class Run {
  readonly held: TestState = emptyState();
  readonly twin: TestState = emptyState();
  readonly model = new Model();
  #count = 0;

  constructor() {
    const declarations = [{ id: 'rule', declaration: allow('everyone', 'curator', []) }];
    this.#both({ type: 'declare', declarations }, root);
  }

  step(each: Op): void {
    const n = ++this.#count;
    const { model } = this;
    if (each.type === 'hold') {
      model.holds.set(`hold-${n}`, each.scope);
      this.#apply(this.held, { type: 'hold', id: `hold-${n}`, matter: 'matter', scope: each.scope }, root);
      return;
    }
    if (each.type === 'release') {
      const id = [...model.holds.keys()][each.at % Math.max(1, model.holds.size)] ?? 'none';
      model.release(id);
      this.#apply(this.held, { type: 'release-hold', id }, root);
      return;
    }
    if (each.type === 'erase user') {
      const planned = model.about('kim');
      const found = planOf(this.held);
      expect(found.about).toEqual(expect.arrayContaining(planned));
      expect(found.held.sort()).toEqual(planned.filter((id) => model.keeps(id)).sort());
      this.#erase(`erasure-${n}`, found.about);
      return;
    }
    if (each.type === 'retain' || each.type === 'sweep' || each.type === 'end') {
      this.#limit(each, n);
      return;
    }
    if (each.type === 'remember') {
      const version = { ...each.version, text: `canary${n}` };
      const { userId, agentId: _, ...fields } = version;
      const stored = draft({
        id: `id-${n}`,
        ...fields,
        ...(userId === undefined ? {} : { userId }),
        ...(each.isKeyed ? { key: `key-${n}` } : {}),
        metadata: { note: `canary${n}` },
      });
      model.memories.set(`id-${n}`, [version]);
      model.since.set(`id-${n}`, n);
      this.#both({ type: 'remember', drafts: [stored] }, version.agentId === 'a' ? agentA : agentB);
      return;
    }
    if (each.type === 'erase') {
      const all = [...model.memories.keys(), ...model.withheld.keys()];
      this.#erase(`erasure-${n}`, all.length === 0 ? [] : [all[each.at % all.length] as string]);
      return;
    }
    // Only `forget` finds a memory whose time is over.
    const ids = [...model.memories.keys()].filter((id) => each.type === 'forget' || !model.isOver(id, n));
    const id = ids[each.at % Math.max(1, ids.length)];
    const versions = model.memories.get(id ?? '');
    const latest = versions?.at(-1);
    if (id === undefined || versions === undefined || latest === undefined) return;
    if (each.type === 'forget') {
      model.forget(id);
      this.#both({ type: 'forget', ids: [id, 'none'] }, root);
    } else if (each.type === 'update') {
      versions.push({ ...latest, text: `canary${n}` });
      this.#both({ type: 'update', id, patch: { text: `canary${n}` } }, root);
    } else if (each.type === 'pin') {
      model.pinned.add(id);
      versions.push(latest);
      this.#both({ type: 'update', id, patch: { pinned: true } }, root);
    } else if (each.type === 'retag') {
      versions.push({ ...latest, tags: [] });
      this.#both({ type: 'update', id, patch: { tags: [] } }, root);
    } else {
      versions.push({ ...latest, namespace: ['y'] });
      this.#both({ type: 'share', id, change: { namespace: ['y'] } }, root);
    }
  }

  /** Erases in both stores. What a hold keeps differs, and nothing else. */
  #erase(erasure: string, ids: readonly string[]): void {
    this.model.erase(erasure, ids);
    for (const store of [this.held, this.twin]) {
      this.#apply(store, { type: 'erase', erasure, ids }, root);
      this.#apply(store, { type: 'finish-erasure', erasure }, root);
    }
  }

  #limit(each: Extract<Op, { type: 'retain' | 'sweep' | 'end' }>, n: number): void {
    const { model } = this;
    if (each.type === 'retain') {
      const { within, days, number, then } = each;
      model.retentions.set(`keep-${n}`, { within, days, number, then });
      const limits = defined({ maxAgeDays: days, maxMemories: number });
      const declaration = { retain: then, at: within, ...limits };
      this.#both({ type: 'add-declaration', added: { id: `keep-${n}`, declaration } }, root);
      return;
    }
    if (each.type === 'end') {
      const id = [...model.retentions.keys()][each.at % Math.max(1, model.retentions.size)] ?? 'none';
      model.retentions.delete(id);
      this.#both({ type: 'end-declaration', id }, root);
      return;
    }
    // Each is given all memories, and takes what it has reached.
    for (const retention of model.retentions.keys()) {
      const ids = [...model.memories.keys()];
      for (const id of model.sweptBy(retention, n)) model.forget(id);
      this.#both({ type: 'retire', retention, ids }, root);
    }
  }

  #both(change: Change, by: Actor): void {
    const [outcome, other] = [this.#apply(this.held, change, by), this.#apply(this.twin, change, by)];
    expect(outcome).toEqual(other);
  }

  #apply({ apply }: TestState, change: Change, by: Actor) {
    const stamp = { at: this.#count * dayMs, by, scope: {}, seed };
    const [outcome] = apply([{ ...change, stamp } as Command]).outcomes;
    expect(outcome).toMatchObject({ ok: true });
    return outcome;
  }
}

/** All that a reader could notice: every table, but for the holds themselves and for the audit of their commands. */
function noticeable({ state }: TestState): unknown {
  const tables = Object.entries(contents(state.database));
  return tables.filter(([table]) => !/^(holds|withheld|erasures|awaiting_erasure|audit_)/.test(table));
}

function planOf({ state }: TestState) {
  const steps = planErasure(state, { userId: 'kim' });
  for (let step = steps.next(); ; step = steps.next())
    if (step.done) return { ...step.value, held: [...step.value.held] };
}

function withheldTexts({ state: { holds } }: TestState): unknown {
  const rows = holds.withheldRows(0, Number.MAX_SAFE_INTEGER);
  return rows.map((row) => {
    const revisions = holds.revisionsOf(row);
    for (const { metadata, text } of revisions.slice(0, 1)) expect(JSON.parse(metadata)).toEqual({ note: text });
    return [revisions[0]?.id, revisions.map(({ text }) => text)];
  });
}

describe('memories that are forgotten, by principals and by retentions, while legal holds begin and end', () => {
  test('are kept whole exactly as long as a hold concerns them, and look forgotten to everybody', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 5, maxLength: 40 }), (ops) => {
        const run = new Run();
        for (const each of ops) run.step(each);
        const { held, twin, model } = run;
        expect(noticeable(held)).toEqual(noticeable(twin));
        const expected = [...model.withheld].map(([id, versions]) => [id, versions.map(({ text }) => text)]);
        expect(withheldTexts(held)).toEqual(expected.sort(([a], [b]) => numberOf(a) - numberOf(b)));
        const waiting = held.state.erasures.all().map(({ id }) => [id, held.state.erasures.waiting(id)]);
        expect(new Map(waiting as never)).toEqual(new Map([...model.awaiting].map(([id, ids]) => [id, ids.size])));
        expect(held.state.holds.inForce.map(({ id }) => id).sort()).toEqual([...model.holds.keys()].sort());
        const bytes = JSON.stringify(contents(held.state.database));
        for (const text of model.gone) expect(bytes).not.toMatch(new RegExp(`${text}(?![0-9])`));
      }),
      { numRuns: sequences },
    );
  });
});

function numberOf(id: unknown): number {
  return Number(String(id).slice('id-'.length));
}

describe('a hold', () => {
  const begin: Command = {
    type: 'hold',
    id: 'h',
    matter: 'm',
    scope: { userId: 'kim' },
    stamp: { at: 1, by: root, scope: {}, seed },
  };

  test('is begun and ended by the host alone, and never twice with one id', () => {
    const { apply } = emptyState();
    const stamp = { at: 1, by: agentA, scope: {}, seed };
    const codes = apply([{ ...begin, stamp }, begin, begin, { type: 'release-hold', id: 'h', stamp }]).outcomes.map(
      (outcome) => (outcome.ok ? 'ok' : outcome.error.code),
    );
    expect(codes).toEqual(['FORBIDDEN', 'ok', 'INVALID_INPUT', 'FORBIDDEN']);
  });

  test('that is damaged is noticed before anything is forgotten', () => {
    const { state, apply } = emptyState();
    const stamp = { at: 1, by: root, scope: {}, seed };
    apply([begin, { type: 'remember', drafts: [draft({ id: 'one', userId: 'kim' })], stamp }]);
    state.database.exec(`update holds set selection = '{"userId":"lee"}'`);
    state.reload();
    const [outcome] = apply([{ type: 'forget', ids: ['one'], stamp }]).outcomes;
    expect(outcome).toMatchObject({ ok: false, error: { code: 'RECORD_DAMAGED' } });
    expect(state.records.unchecked('one')?.text).toBe('note');
  });

  test('keeps damaged memories from being forgotten, because it may concern them', () => {
    const { state, apply } = emptyState();
    const stamp = { at: 1, by: root, scope: {}, seed };
    apply([begin, { type: 'remember', drafts: [draft({ id: 'one', userId: 'kim' })], stamp }]);
    state.database.exec("update memories set user_id = 'lee'");
    const forget: Command = { type: 'forget', ids: ['one'], stamp };
    expect(apply([forget]).outcomes).toMatchObject([{ ok: false, error: { code: 'RECORD_DAMAGED' } }]);
    apply([{ type: 'release-hold', id: 'h', stamp }]);
    expect(apply([forget]).outcomes).toMatchObject([{ ok: true, forgotten: ['one'] }]);
  });
});
