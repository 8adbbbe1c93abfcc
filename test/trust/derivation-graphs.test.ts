import BetterSqlite from 'better-sqlite3';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import type { TrustLevel } from '../../src/domain/trust';
import { effectiveTrust, type TrustColumns } from '../../src/state/apply/trust';
import { TrustPass, type TrustPassTables } from '../../src/state/trust-pass';

// `npm run test:lifecycle -- --graphs 10000` takes ten times as many.
const graphs = inject('graphs') ?? 1_000;
const rows = 7;
const actors = 3;

const level = fc.constantFrom<TrustLevel[]>(0, 1, 2, 3);
const row = fc.integer({ min: 1, max: rows });
const actor = fc.integer({ min: 1, max: actors });
const anyGraph = fc.record({
  memories: fc.array(
    fc.record({
      trust: fc.oneof(level, fc.constant(3 as const)),
      author: actor,
      isQuarantined: fc.oneof(
        { weight: 9, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
    { minLength: rows, maxLength: rows },
  ),
  ceilings: fc.array(fc.oneof(level, fc.constant(3 as const)), { minLength: actors, maxLength: actors }),
  channel: fc.oneof({ weight: 4, arbitrary: fc.constant(3 as const) }, { weight: 1, arbitrary: level }),
  // Also circles, which revisions with keys can make.
  derivations: fc.array(fc.record({ row, source: row }), { maxLength: 14 }),
  contributors: fc.array(fc.record({ row, actor }), { maxLength: 3 }),
  // A revision above 1 is later than that of the memory.
  endorsements: fc.array(fc.record({ row, actor, trust: level, revision: fc.integer({ min: 1, max: 2 }) }), {
    maxLength: 3,
  }),
});
type Graph = typeof anyGraph extends fc.Arbitrary<infer G> ? G : never;

/** The trust of each row from the definition: lowers every row by its sources until nothing changes. */
function referenceOf({ memories, ceilings, channel, derivations, contributors, endorsements }: Graph): number[] {
  const ceilingOf = (who: number) => ceilings[who - 1] as number;
  const trust = memories.map((memory, i) => {
    const changedBy = contributors.filter((each) => each.row === i + 1).map((each) => ceilingOf(each.actor));
    const lowest = Math.min(memory.trust, channel, ceilingOf(memory.author), ...changedBy);
    const endorsed = endorsements.filter((each) => each.row === i + 1 && each.revision === 1);
    const raised = endorsed.map((each) => Math.min(each.trust, ceilingOf(each.actor)));
    return memory.isQuarantined ? 0 : Math.max(lowest, ...raised);
  });
  for (let round = 0; round < rows; round++) {
    for (const line of derivations) {
      trust[line.row - 1] = Math.min(trust[line.row - 1] as number, trust[line.source - 1] as number);
    }
  }
  return trust;
}

function tablesOf({ memories, ceilings, channel, derivations, contributors, endorsements }: Graph): TrustPassTables {
  const columns = memories.map((memory, i): TrustColumns => {
    const state = memory.isQuarantined ? 'quarantined' : 'active';
    return {
      row: i + 1,
      revision: 1,
      state,
      label_set: 1,
      author: memory.author,
      source_channel: 'agent',
      trust: memory.trust,
    };
  });
  const stated = endorsements.map((each) => ({ ...each, at: 0 }));
  const lines = derivations.map((each) => ({ ...each, kind: 'derived' as const }));
  return {
    ceilings: { ofActor: (who) => ceilings[who - 1] as TrustLevel, ofChannel: () => channel },
    interning: { actor: () => ({ party: 'root' }), actorCount: actors, labelSetCount: 1 },
    derivations: {
      isEmpty: lines.length === 0,
      ofRow: (of) => lines.filter((each) => each.row === of),
      all: () => lines,
    },
    contributors: {
      ofRow: (of) => contributors.filter((each) => each.row === of).map((each) => each.actor),
      all: () => contributors,
    },
    endorsements: {
      ofRow: (of) => stated.filter((each) => each.row === of),
      all: () => stated,
    },
    trustColumnsOf: (of) => columns[of - 1],
  };
}

test('the trust in a random graph of derivations is that of a reference, for one memory and for all at once', () => {
  const database = new BetterSqlite(':memory:');
  database.exec(
    'create table memories (row integer primary key, revision, state, label_set, author, source_channel, trust)',
  );
  const insert = database.prepare(
    'replace into memories values (@row, @revision, @state, @label_set, @author, @source_channel, @trust)',
  );
  const pass = new TrustPass(database);
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const tables = tablesOf(graph);
      const columns = graph.memories.map((_, i) => tables.trustColumnsOf(i + 1) as TrustColumns);
      for (const each of columns) insert.run(each);
      const expected = referenceOf(graph);
      expect(columns.map((each) => effectiveTrust(tables, each))).toEqual(expected);
      expect([...pass.run(tables, rows)].slice(1)).toEqual(expected);
    }),
    { numRuns: graphs },
  );
  database.close();
});
