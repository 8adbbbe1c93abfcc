import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { damaged, type MemoryRow, type RowChecksum } from '../tables/memory-row';
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
    // The index of changes starts with revision 2. A parameter in place of the 1 would keep SQLite from using it.
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

  /** The changes after a change, oldest first. */
  after(changeSeq: number, limit: number): ChangeLine[] {
    return this.#after.all({ change_seq: changeSeq, limit });
  }

  /** The changes of one memory, oldest first. */
  ofRecord({ row, first_change_seq }: Pick<MemoryRow, 'row' | 'first_change_seq'>): ChangeLine[] {
    return this.#ofRow.all({ row, first: first_change_seq });
  }

  /**
   * A revision of a memory before its latest. Undefined for a forgotten memory.
   *
   * @throws RECORD_DAMAGED
   */
  revision(row: number, revision: number): MemoryRow | undefined {
    const stored = this.#revision.get({ row, revision });
    if (stored === undefined) return undefined;
    const record = parsed(stored.record);
    if (record === undefined || !this.#rowChecksum.isIntact(record))
      throw damaged(`${record?.id ?? ''} (revision ${revision})`);
    return record;
  }
}

function parsed(json: string): MemoryRow | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function lines() {
  return queries
    .selectFrom('changes')
    .innerJoin('memories', 'memories.row', 'changes.row')
    .selectAll('changes')
    .select('memories.id');
}
