import { describe, expect, inject, test } from 'vitest';
import type { Change, ChangeOf, Command, Outcome } from '../../src/domain/command';
import type { Incident, ParsedIncidentSelection } from '../../src/domain/incident';
import { type Actor, root } from '../../src/domain/principal';
import type { MemoryRow } from '../../src/state/tables/memory-row';
import { agentA, agentB, contents, draft, emptyState, openToAll, remember, type TestState } from '../state/test-state';

// `npm run test:lifecycle -- --containments 1000` makes the long run.
const rounds = inject('containments') ?? 50;
const roundsPerState = 25;
const timeoutMs = 60_000 + rounds * 200;

function stamped(change: Change, at: number, by: Actor = root): Command {
  return { ...change, stamp: { at, by, scope: {}, seed: new Uint8Array(16) } } as Command;
}

/** Numbers from a seed. The same seed gives the same numbers. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0;
    return (state >>> 8) % below;
  };
}

interface World {
  readonly store: TestState;
  readonly ids: string[];
  /** What each memory was made from, by id. */
  readonly sources: Map<string, string[]>;
  at: number;
}

function newWorld(): World {
  const store = emptyState();
  store.apply([openToAll]);
  return { store, ids: [], sources: new Map(), at: 1 };
}

function recordOf({ store }: World, id: string): MemoryRow | undefined {
  return store.state.records.unchecked(id);
}

/** Writes something at random: memories from others, supersedes, updates, and facts from consolidations. */
function write(world: World, random: (below: number) => number): void {
  const { store, ids, sources } = world;
  const at = world.at++;
  const by = [agentA, agentB, root][random(3)] as Actor;
  const pick = () => ids[random(ids.length)] as string;
  const id = `id-${ids.length}`;
  const what = ids.length < 4 ? 0 : random(6);
  if (what === 4) {
    store.apply([stamped({ type: 'update', id: pick(), patch: { text: `text ${at}` } }, at, by)]);
    return;
  }
  if (what === 5) {
    const given = [...new Set([pick(), pick(), pick()])].flatMap((each) => recordOf(world, each) ?? []);
    const from = given.map((_, i) => i);
    const facts = [{ id, text: given.map(({ text }) => text).join(' '), from }];
    const consolidated = given.map((each) => ({ id: each.id, revision: each.revision }));
    const change = { type: 'consolidate' as const, sources: consolidated, facts, summarizer: 'test' };
    if (!isApplied(store, stamped(change, at))) return;
    sources.set(
      id,
      given.map((each) => each.id),
    );
  } else {
    const derivedFrom = what < 2 || ids.length < 2 ? [] : [...new Set([pick(), pick()])];
    const supersedes = what === 3 ? { supersedes: pick() } : {};
    const derived = derivedFrom.length === 0 ? {} : { derivedFrom };
    if (!isApplied(store, remember(by, at, draft({ id, text: `text ${at}`, ...derived, ...supersedes })))) return;
    sources.set(id, derivedFrom);
  }
  ids.push(id);
}

function isApplied(store: TestState, command: Command): boolean {
  return store.apply([command]).outcomes[0]?.ok === true;
}

function contain(world: World, change: Omit<ChangeOf<'contain'>, 'type' | 'derived'>): Incident {
  const outcome = applied(world, { type: 'contain', derived: true, ...change });
  if (!outcome.ok || outcome.type !== 'contain') throw new Error('The command was refused.');
  return outcome.incident;
}

function applied(world: World, change: Change): Outcome {
  const [outcome] = world.store.apply([stamped(change, world.at++)]).outcomes;
  expect(outcome).toMatchObject({ ok: true });
  return outcome as Outcome;
}

/** Everything but the audit, the feed, revisions and what a revision changes in each row. */
function comparable({ store }: World): unknown {
  const { memories = [], ...others } = contents(store.state.database);
  const rows = (memories as MemoryRow[]).map(
    ({ revision: _, updated_at: __, change_seq: ___, checksum: ____, ...row }) => row,
  );
  const kept = ['texts', 'vectors', 'tags', 'derivations', 'contributors', 'contained', 'words', 'idempotency'];
  return [rows, ...kept.map((table) => others[table])];
}

/** The ids that depend on some, found from what was written and not from the tables. */
function closureOf(world: World, start: readonly string[]): Set<string> {
  const found = new Set(start);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [id, sources] of world.sources) if (sources.some((source) => found.has(source))) found.add(id);
    for (const id of [...found]) {
      const successor = recordOf(world, id)?.superseded_by ?? undefined;
      const author = successor === undefined ? undefined : recordOf(world, successor)?.author;
      if (author !== undefined && world.store.state.interning.actor(author).party !== 'root')
        found.add(successor as string);
    }
  }
  return new Set([...found].filter((id) => recordOf(world, id) !== undefined));
}

describe(`${rounds} random containments`, () => {
  test(
    'hold exactly what depends on the selection, and a release restores every row',
    () => {
      let [held, returned] = [0, 0];
      for (let seed = 0; seed < rounds / roundsPerState; seed++) {
        const random = randomOf(seed + 1);
        const world = newWorld();
        for (let round = 0; round < roundsPerState; round++) {
          for (let i = 0; i < 4; i++) write(world, random);
          const ids = [world.ids[random(world.ids.length)] as string];
          const selection: ParsedIncidentSelection =
            random(3) === 0 ? { by: agentA, since: random(world.at) } : { ids };
          const before = comparable(world);
          const incident = contain(world, { incident: `incident-${round}`, selection });
          const selected = incident.memories.filter(({ reason }) => reason === 'selected' || reason === 'changed');
          const closure = closureOf(
            world,
            selected.map(({ id }) => id),
          );
          expect(new Set(incident.memories.map(({ id }) => id))).toEqual(closure);
          const states = incident.memories.map(({ id }) => recordOf(world, id)?.state);
          expect(new Set(states).size).toBe(states.length === 0 ? 0 : 1);
          for (const id of incident.returned) expect(recordOf(world, id)?.state).toBe('active');
          held += incident.memories.length;
          returned += incident.returned.length;
          applied(world, { type: 'release', incident: incident.id });
          expect(comparable(world)).toEqual(before);
        }
      }
      expect(held).toBeGreaterThan(rounds);
      expect(returned).toBeGreaterThan(0);
    },
    timeoutMs,
  );

  test(
    'that overlap leave nothing behind, in whatever order they are released',
    () => {
      for (let seed = 0; seed < rounds / 5; seed++) {
        const random = randomOf(seed + 1_000);
        const world = newWorld();
        for (let i = 0; i < 30; i++) write(world, random);
        const before = comparable(world);
        const open: string[] = [];
        for (let i = 0; i < 5; i++) {
          const selection = { ids: [world.ids[random(world.ids.length)] as string] };
          open.push(contain(world, { incident: `i-${i}`, selection }).id);
        }
        while (open.length > 0) {
          const [incident = ''] = open.splice(random(open.length), 1);
          applied(world, { type: 'release', incident });
        }
        expect(comparable(world)).toEqual(before);
      }
    },
    timeoutMs,
  );
});
