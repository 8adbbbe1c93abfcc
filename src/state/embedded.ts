import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, type Statement } from '../sqlite/statement';
import { queries } from './queries';
import type { StoredRecord } from './record';
import { withText } from './record-queries';
import type { Tables } from './schema';

type Line = Tables['embedded'];

/** Which memories have vectors in spaces other than the one in which they got their first, and which have none in a space yet. */
export class EmbeddedTable {
  readonly #insert: Statement<Line, unknown>;
  readonly #reached: Statement<Pick<Line, 'space' | 'entry'>, unknown>;
  readonly #ofRow: Statement<{ row: number }, Line>;
  readonly #deleteOfRow: Statement<{ row: number }, unknown>;
  readonly #delete: Statement<Pick<Line, 'row' | 'space'>, unknown>;
  readonly #missing: Statement<{ space: number; after: number; upTo: number }, StoredRecord>;
  readonly #missingSince: Statement<{ space: number; entry: number }, { row: number }>;
  readonly #parts: Statement<{ space: number; after: number; upTo: number }, { row: number; parts: number }>;
  readonly #partsOf: Statement<{ row: number; space: number }, { parts: number }>;

  constructor(database: Database) {
    this.#insert = prepare(database, (p) =>
      queries
        .replaceInto('embedded')
        .values({ space: p('space'), row: p('row'), parts: p('parts'), entry: p('entry') }),
    );
    this.#reached = prepare(database, (p) =>
      queries
        .updateTable('spaces')
        .set({ entry: p('entry') })
        .where('id', '=', p('space')),
    );
    this.#ofRow = prepare(database, (p) => queries.selectFrom('embedded').selectAll().where('row', '=', p('row')));
    this.#deleteOfRow = prepare(database, (p) => queries.deleteFrom('embedded').where('row', '=', p('row')));
    this.#delete = prepare(database, (p) =>
      queries.deleteFrom('embedded').where('row', '=', p('row')).where('space', '=', p('space')),
    );
    this.#missing = prepare(database, (p) =>
      withText()
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('upTo'))
        .where('memories.parts', '>', 0)
        .where(lacks(p('space')))
        .orderBy('memories.row'),
    );
    this.#missingSince = prepare(database, (p) =>
      queries
        .selectFrom('changes')
        .innerJoin('memories', 'memories.row', 'changes.row')
        .select('memories.row')
        .distinct()
        .where('changes.entry', '>', p('entry'))
        .where('memories.parts', '>', 0)
        .where(lacks(p('space')))
        .orderBy('memories.row'),
    );
    this.#partsOf = prepare(database, (p) =>
      queries
        .selectFrom('memories')
        .select(partsIn(p('space')).as('parts'))
        .where('memories.row', '=', p('row')),
    );
    this.#parts = prepare(database, (p) =>
      queries
        .selectFrom('memories')
        .select(['memories.row', partsIn(p('space')).as('parts')])
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('upTo'))
        .where('memories.parts', '>', 0)
        .orderBy('memories.row'),
    );
  }

  insert(line: Line): void {
    this.#insert.run(line);
  }

  /** The latest number in a space. */
  reached({ space, entry }: Pick<Line, 'space' | 'entry'>): void {
    this.#reached.run({ space, entry });
  }

  /** The spaces, beside its first, in which a memory has vectors. */
  ofRow(row: number): Line[] {
    return this.#ofRow.all({ row });
  }

  deleteOfRow(row: number): void {
    this.#deleteOfRow.run({ row });
  }

  delete(line: Pick<Line, 'row' | 'space'>): void {
    this.#delete.run(line);
  }

  /** Of a range of rows, the memories that have vectors, and none in that space. */
  missing(space: number, { after, upTo }: { readonly after: number; readonly upTo: number }): StoredRecord[] {
    return this.#missing.all({ space, after, upTo });
  }

  /** The rows of those that changed after an entry and lack their vectors in a space. */
  missingSince(space: number, entry: number): number[] {
    return this.#missingSince.all({ space, entry }).map(({ row }) => row);
  }

  /** How many parts one memory has in that space. */
  partsOf(row: number, space: number): number {
    return this.#partsOf.get({ row, space })?.parts ?? 0;
  }

  /** How many parts the memories of a range of rows have in that space. */
  parts(
    space: number,
    { after, upTo }: { readonly after: number; readonly upTo: number },
  ): { row: number; parts: number }[] {
    return this.#parts.all({ space, after, upTo });
  }
}

/** How many parts a memory has in a space. */
export function partsIn(space: number) {
  return sql<number>`case when memories.space = ${space} then memories.parts
    else coalesce((select embedded.parts from embedded where embedded.space = ${space} and embedded.row = memories.row), 0) end`;
}

function lacks(space: number) {
  return sql<boolean>`(memories.space <> ${space}
    and not exists (select 1 from embedded where embedded.space = ${space} and embedded.row = memories.row))`;
}
