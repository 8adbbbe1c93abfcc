import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import type { StoredMemoryRow } from './memory-row';
import { queries, type Tables } from './schema';

type Line = Tables['embedded'];

/** A range of rows that starts after row `after` and ends with row `upTo`. */
export interface RowRange {
  readonly after: number;
  readonly upTo: number;
}

/**
 * Records which memories have vectors in which embedding space. The table `memories` names the space of a memory's first vectors. The
 * table `embedded` has one line for each further space in which the memory has vectors.
 */
export class SpaceCoverage {
  readonly #statements;

  constructor(database: Database) {
    this.#statements = prepareAll(database);
  }

  insert(line: Line): void {
    this.#statements.insert.run(line);
  }

  /** Stores the sequence number at which memories last got vectors in a space. */
  setChangeSeq({ space, change_seq }: Pick<Line, 'space' | 'change_seq'>): void {
    this.#statements.setChangeSeq.run({ space, change_seq });
  }

  /** The further spaces in which a memory has vectors. The space of its first vectors is not included. */
  ofRow(row: number): Line[] {
    return this.#statements.ofRow.all({ row });
  }

  deleteOfRow(row: number): void {
    this.#statements.deleteOfRow.run({ row });
  }

  delete(line: Pick<Line, 'row' | 'space'>): void {
    this.#statements.delete.run(line);
  }

  /** The memories in a range of rows that have vectors only in other spaces than this one. */
  missing(space: number, { after, upTo }: RowRange): StoredMemoryRow[] {
    return this.#statements.missing.all({ space, after, upTo });
  }

  /** The rows of the memories that changed after the change `changeSeq` and have vectors only in other spaces than this one. */
  missingSince(space: number, changeSeq: number): number[] {
    return this.#statements.missingSince.all({ space, change_seq: changeSeq }).map(({ row }) => row);
  }

  /** The number of vectors that one memory has in this space. */
  chunksOf(row: number, space: number): number {
    return this.#statements.chunksOf.get({ row, space })?.chunks ?? 0;
  }

  /** The number of vectors that each memory in a range of rows has in this space. */
  chunks(space: number, { after, upTo }: RowRange): { row: number; chunks: number }[] {
    return this.#statements.chunks.all({ space, after, upTo });
  }
}

function prepareAll(database: Database) {
  const insert: Statement<Line, unknown> = prepare(database, (p) =>
    queries
      .replaceInto('embedded')
      .values({ space: p('space'), row: p('row'), chunks: p('chunks'), change_seq: p('change_seq') }),
  );
  return {
    insert,
    setChangeSeq: prepare<Pick<Line, 'space' | 'change_seq'>, unknown>(database, (p) =>
      queries
        .updateTable('spaces')
        .set({ change_seq: p('change_seq') })
        .where('id', '=', p('space')),
    ),
    ofRow: prepare<{ row: number }, Line>(database, (p) =>
      queries.selectFrom('embedded').selectAll().where('row', '=', p('row')),
    ),
    deleteOfRow: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('embedded').where('row', '=', p('row')),
    ),
    delete: prepare<Pick<Line, 'row' | 'space'>, unknown>(database, (p) =>
      queries.deleteFrom('embedded').where('row', '=', p('row')).where('space', '=', p('space')),
    ),
    missing: prepare<RowRange & { space: number }, StoredMemoryRow>(database, (p) =>
      withText()
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('upTo'))
        .where('memories.chunks', '>', 0)
        .where(lacksVectorsIn(p('space')))
        .orderBy('memories.row'),
    ),
    missingSince: prepare<{ space: number; change_seq: number }, { row: number }>(database, (p) =>
      queries
        .selectFrom('changes')
        .innerJoin('memories', 'memories.row', 'changes.row')
        .select('memories.row')
        .distinct()
        .where('changes.change_seq', '>', p('change_seq'))
        .where('memories.chunks', '>', 0)
        .where(lacksVectorsIn(p('space')))
        .orderBy('memories.row'),
    ),
    chunksOf: prepare<{ row: number; space: number }, { chunks: number }>(database, (p) =>
      queries
        .selectFrom('memories')
        .select(chunksIn(p('space')).as('chunks'))
        .where('memories.row', '=', p('row')),
    ),
    chunks: prepare<RowRange & { space: number }, { row: number; chunks: number }>(database, (p) =>
      queries
        .selectFrom('memories')
        .select(['memories.row', chunksIn(p('space')).as('chunks')])
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('upTo'))
        .where('memories.chunks', '>', 0)
        .orderBy('memories.row'),
    ),
  };
}

/** SQL for the number of vectors that a memory has in a space. */
export function chunksIn(space: number) {
  return sql<number>`case when memories.space = ${space} then memories.chunks
    else coalesce((select embedded.chunks from embedded where embedded.space = ${space} and embedded.row = memories.row), 0) end`;
}

function lacksVectorsIn(space: number) {
  return sql<boolean>`(memories.space <> ${space}
    and not exists (select 1 from embedded where embedded.space = ${space} and embedded.row = memories.row))`;
}
