import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { damaged, type MemoryRow, type RowChecksum, revisionOf } from '../tables/memory-row';
import { queries, type Tables } from '../tables/schema';

/** A line of the change feed, with the id of its memory. */
export type ChangeLine = Tables['changes'] & { readonly id: string };

/** Reads the change feed, and earlier revisions of memories. */
export class ChangeQueries {
  readonly #rowChecksum: RowChecksum;
  readonly #after: Statement<{ change_seq: number; limit: number }, ChangeLine>;
  readonly #ofRow: Statement<{ row: number; first: number }, ChangeLine>;
  readonly #revision: Statement<{ row: number; revision: number }, { record: string }>;

  constructor(database: Database, rowChecksum: RowChecksum) {
    this.#rowChecksum = rowChecksum;
    this.#after = prepare(database, (p) =>
      lines().where('changes.change_seq', '>', p('change_seq')).orderBy('changes.change_seq').limit(p('limit')),
    );
    // The index of changes covers only revisions from 2. With a parameter instead of the 1, SQLite would not use this index.
    const later = sql<boolean>`changes.revision > 1`;
    this.#ofRow = prepare(database, (p) =>
      lines()
        .where('changes.change_seq', '=', p('first'))
        .unionAll(lines().where('changes.row', '=', p('row')).where(later).orderBy('changes.revision')),
    );
    this.#revision = prepare(database, (p) =>
      queries
        .selectFrom('revisions')
        .select('record')
        .where('row', '=', p('row'))
        .where('revision', '=', p('revision')),
    );
  }

  /** Reads the changes after the change `changeSeq`, oldest first. */
  after(changeSeq: number, limit: number): ChangeLine[] {
    return this.#after.all({ change_seq: changeSeq, limit });
  }

  /** Reads the changes to one memory, oldest first. */
  ofRecord({ row, first_change_seq }: Pick<MemoryRow, 'row' | 'first_change_seq'>): ChangeLine[] {
    return this.#ofRow.all({ row, first: first_change_seq });
  }

  /**
   * Reads an earlier revision of a memory. Undefined for the latest revision, and for a forgotten memory.
   *
   * @throws RECORD_DAMAGED
   */
  revision(row: number, revision: number): MemoryRow | undefined {
    const stored = this.#revision.get({ row, revision });
    if (stored === undefined) return undefined;
    const record = revisionOf(stored.record);
    if (record === undefined || !this.#rowChecksum.isIntact(record))
      throw damaged(`${record?.id ?? ''} (revision ${revision})`);
    return record;
  }
}

function lines() {
  return queries
    .selectFrom('changes')
    .innerJoin('memories', 'memories.row', 'changes.row')
    .selectAll('changes')
    .select('memories.id');
}
