import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { damaged, type MemoryRow, memoryRowOf, type RowChecksum, type StoredMemoryRow } from '../tables/memory-row';
import { decodeRevision, revisionsToWhole } from '../tables/revision-record';
import { queries, type Tables } from '../tables/schema';
import { withText } from './memory-queries';

/** A line of the change feed, with the id of its memory. */
export type ChangeLine = Tables['changes'] & { readonly id: string };

/** Reads the change feed, and earlier revisions of memories. */
export class ChangeQueries {
  readonly #rowChecksum: RowChecksum;
  readonly #after: Statement<{ change_seq: number; limit: number }, ChangeLine>;
  readonly #ofRow: Statement<{ row: number; first: number }, ChangeLine>;
  readonly #revisionsFrom: Statement<{ row: number; revision: number }, Tables['revisions']>;
  readonly #latest: Statement<{ row: number }, StoredMemoryRow>;

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
    this.#revisionsFrom = prepare(database, (p) =>
      queries
        .selectFrom('revisions')
        .selectAll()
        .where('row', '=', p('row'))
        .where('revision', '>=', p('revision'))
        .orderBy('revision')
        .limit(sql.lit(revisionsToWhole)),
    );
    this.#latest = prepare(database, (p) => withText().where('memories.row', '=', p('row')));
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
    const lines = this.#revisionsFrom.all({ row, revision });
    if (lines[0]?.revision !== revision) return undefined;
    const latest = this.#latest.get({ row });
    let record: MemoryRow | undefined = latest && memoryRowOf(latest);
    // A whole revision needs no later one, so lines after it do not count, even damaged ones.
    for (const line of lines.reverse()) record = decodeRevision(line, record);
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
