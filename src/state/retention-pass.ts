import type { Database } from 'better-sqlite3';
import { prepare } from '../sqlite/sqlite';
import type { RetentionColumns, RetentionLookup } from './apply/retention-lookup';
import { isFact } from './source-eligibility';
import type { Derivations } from './tables/derivations';
import type { MemoryRow } from './tables/memory-row';
import { queries } from './tables/schema';

const rowsPerRead = 1024;

/** What decides how long a memory is kept, with what identifies it. */
export type RetainedRow = RetentionColumns & Pick<MemoryRow, 'row' | 'id' | 'state' | 'source_channel'>;

interface RetentionTables {
  readonly retention: RetentionLookup;
  readonly derivations: Pick<Derivations, 'ofRow' | 'isEmpty'>;
}

/** Computes until when memories are kept, from the tables. It reads no texts and checks no records. */
export class RetentionPass {
  readonly #columnsIn;
  readonly #columnsOf;

  constructor(database: Database) {
    this.#columnsIn = prepare<{ after: number; upTo: number }, RetainedRow>(database, (p) =>
      retainedRows().where('row', '>', p('after')).where('row', '<=', p('upTo')).orderBy('row'),
    );
    this.#columnsOf = prepare<{ row: number }, RetainedRow>(database, (p) =>
      retainedRows().where('row', '=', p('row')),
    );
  }

  /** The end of each row up to `last`, Infinity if it has none. */
  all(tables: RetentionTables, last: number): Float64Array<ArrayBuffer> {
    const until = new Float64Array(last + 1).fill(Number.POSITIVE_INFINITY);
    for (let after = 0; after < last; after += rowsPerRead) {
      for (const columns of this.#columnsIn.all({ after, upTo: after + rowsPerRead }))
        until[columns.row] = endOf(tables, columns, (row) => until[row] as number);
    }
    return until;
  }

  /** The end of one row. */
  one(tables: RetentionTables, row: number, endOfRow: (row: number) => number): number {
    const columns = this.columnsOf(row);
    return columns === undefined ? Number.POSITIVE_INFINITY : endOf(tables, columns, endOfRow);
  }

  /** The memories with rows after `after`, up to `upTo`, without forgotten ones. */
  columnsIn(after: number, upTo: number): RetainedRow[] {
    return this.#columnsIn.all({ after, upTo });
  }

  /** Undefined if the memory is forgotten. */
  columnsOf(row: number): RetainedRow | undefined {
    return this.#columnsOf.get({ row });
  }
}

/** A fact is not found longer than the memories that it quotes: they are forgotten first, and the fact with them. Their rows are lower. */
function endOf(
  { retention, derivations }: RetentionTables,
  columns: RetainedRow,
  endOfRow: (row: number) => number,
): number {
  let end = retention.endOf(columns)?.at ?? Number.POSITIVE_INFINITY;
  if (derivations.isEmpty || !isFact(columns)) return end;
  for (const { source, kind } of derivations.ofRow(columns.row))
    if (kind === 'consolidated') end = Math.min(end, endOfRow(source));
  return end;
}

function retainedRows() {
  return queries
    .selectFrom('memories')
    .select(['row', 'id', 'state', 'label_set', 'kind', 'created_at', 'pinned', 'source_channel'])
    .where('state', '!=', 'forgotten');
}
