import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import type { StoredMemoryRow } from './memory-row';
import { queries, type Tables } from './schema';

type Line = Tables['embedded'];

/** Which memories have vectors in spaces other than the one in which they got their first, and which have none in a space yet. */
export class EmbeddedTable {
  readonly #insert: Statement<Line, unknown>;
  readonly #reached: Statement<Pick<Line, 'space' | 'change_seq'>, unknown>;
  readonly #ofRow: Statement<{ row: number }, Line>;
  readonly #deleteOfRow: Statement<{ row: number }, unknown>;
  readonly #delete: Statement<Pick<Line, 'row' | 'space'>, unknown>;
  readonly #missing: Statement<{ space: number; after: number; upTo: number }, StoredMemoryRow>;
  readonly #missingSince: Statement<{ space: number; change_seq: number }, { row: number }>;
  readonly #chunks: Statement<{ space: number; after: number; upTo: number }, { row: number; chunks: number }>;
  readonly #chunksOf: Statement<{ row: number; space: number }, { chunks: number }>;

  constructor(database: Database) {
    this.#insert = prepare(database, (p) =>
      queries
        .replaceInto('embedded')
        .values({ space: p('space'), row: p('row'), chunks: p('chunks'), change_seq: p('change_seq') }),
    );
    this.#reached = prepare(database, (p) =>
      queries
        .updateTable('spaces')
        .set({ change_seq: p('change_seq') })
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
        .where('memories.chunks', '>', 0)
        .where(lacks(p('space')))
        .orderBy('memories.row'),
    );
    this.#missingSince = prepare(database, (p) =>
      queries
        .selectFrom('changes')
        .innerJoin('memories', 'memories.row', 'changes.row')
        .select('memories.row')
        .distinct()
        .where('changes.change_seq', '>', p('change_seq'))
        .where('memories.chunks', '>', 0)
        .where(lacks(p('space')))
        .orderBy('memories.row'),
    );
    this.#chunksOf = prepare(database, (p) =>
      queries
        .selectFrom('memories')
        .select(chunksIn(p('space')).as('chunks'))
        .where('memories.row', '=', p('row')),
    );
    this.#chunks = prepare(database, (p) =>
      queries
        .selectFrom('memories')
        .select(['memories.row', chunksIn(p('space')).as('chunks')])
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('upTo'))
        .where('memories.chunks', '>', 0)
        .orderBy('memories.row'),
    );
  }

  insert(line: Line): void {
    this.#insert.run(line);
  }

  /** The latest number in a space. */
  reached({ space, change_seq }: Pick<Line, 'space' | 'change_seq'>): void {
    this.#reached.run({ space, change_seq });
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
  missing(space: number, { after, upTo }: { readonly after: number; readonly upTo: number }): StoredMemoryRow[] {
    return this.#missing.all({ space, after, upTo });
  }

  /** The rows of those that changed after an entry and lack their vectors in a space. */
  missingSince(space: number, changeSeq: number): number[] {
    return this.#missingSince.all({ space, change_seq: changeSeq }).map(({ row }) => row);
  }

  /** How many parts one memory has in that space. */
  chunksOf(row: number, space: number): number {
    return this.#chunksOf.get({ row, space })?.chunks ?? 0;
  }

  /** How many parts the memories of a range of rows have in that space. */
  chunks(
    space: number,
    { after, upTo }: { readonly after: number; readonly upTo: number },
  ): { row: number; chunks: number }[] {
    return this.#chunks.all({ space, after, upTo });
  }
}

/** How many parts a memory has in a space. */
export function chunksIn(space: number) {
  return sql<number>`case when memories.space = ${space} then memories.chunks
    else coalesce((select embedded.chunks from embedded where embedded.space = ${space} and embedded.row = memories.row), 0) end`;
}

function lacks(space: number) {
  return sql<boolean>`(memories.space <> ${space}
    and not exists (select 1 from embedded where embedded.space = ${space} and embedded.row = memories.row))`;
}
