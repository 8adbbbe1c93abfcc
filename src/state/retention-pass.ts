import type { Database } from 'better-sqlite3';
import { type MemoryKind, memoryKinds, type SourceChannel, sourceChannels } from '../domain/memory';
import { prepare } from '../sqlite/sqlite';
import type { RetentionColumns, RetentionLookup } from './apply/retention-lookup';
import type { Derivations } from './tables/derivations';
import type { MemoryRow } from './tables/memory-row';
import { queries } from './tables/schema';

/** What decides how long a memory is kept, with what identifies it. */
export type RetainedRow = RetentionColumns & Pick<MemoryRow, 'row' | 'id' | 'state' | 'source_channel'>;

/** Reads what decides how long memories are kept, from the tables. It reads no texts and checks no records. */
export class RetainedRows {
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

  /** The memories with rows after `after`, up to `upTo`, without forgotten ones. */
  columnsIn(after: number, upTo: number): RetainedRow[] {
    return this.#columnsIn.all({ after, upTo });
  }

  /** Undefined if the memory is forgotten. */
  columnsOf(row: number): RetainedRow | undefined {
    return this.#columnsOf.get({ row });
  }
}

function retainedRows() {
  return queries
    .selectFrom('memories')
    .select(['row', 'id', 'state', 'label_set', 'kind', 'created_at', 'pinned', 'source_channel'])
    .where('state', '!=', 'forgotten');
}

/** The columns in RAM on which the ends of the times depend for which memories are kept. */
export interface RetainedColumns {
  /** The highest row number in use. */
  readonly last: number;
  /** 0 for a memory that is forgotten, or whose record is damaged. */
  readonly labelSet: Uint32Array;
  /** The index of the channel in `sourceChannels`. */
  readonly channel: Uint8Array;
  /** The index of the kind in `memoryKinds`, plus 1. */
  readonly kind: Uint8Array;
  readonly pinned: Uint8Array;
  /** Epoch milliseconds. */
  readonly createdAt: Float64Array;
}

interface RetentionTables {
  readonly retention: RetentionLookup;
  readonly derivations: Pick<Derivations, 'ofRow' | 'isEmpty'>;
}

const factKind = memoryKinds.indexOf('summary' satisfies MemoryKind) + 1;
const factChannel = sourceChannels.indexOf('consolidation' satisfies SourceChannel);

/**
 * The end of each row, Infinity if it has none. A change of one retention asks for all of them in one turn of the event loop, so it reads no
 * table: reading a million rows from SQLite would take seconds.
 */
export function endsOfAll(tables: RetentionTables, columns: RetainedColumns): Float64Array<ArrayBuffer> {
  const until = new Float64Array(columns.last + 1).fill(Number.POSITIVE_INFINITY);
  const endOf = (row: number) => until[row] as number;
  for (let row = 1; row <= columns.last; row++) until[row] = endOfRow(tables, columns, row, endOf);
  return until;
}

/**
 * The end of one row. A fact is not found longer than the memories that it quotes: they are forgotten first, and the fact with them. Their
 * rows are lower.
 *
 * @param endOf The end of a row before this one.
 */
export function endOfRow(
  { retention, derivations }: RetentionTables,
  { labelSet, kind, channel, pinned, createdAt }: RetainedColumns,
  row: number,
  endOf: (row: number) => number,
): number {
  const [labels, kindNumber] = [labelSet[row] as number, kind[row] as number];
  if (labels === 0) return Number.POSITIVE_INFINITY;
  let end = Number.POSITIVE_INFINITY;
  if (pinned[row] === 0) end = retention.endAt(labels, memoryKinds[kindNumber - 1], createdAt[row] as number);
  if (kindNumber !== factKind || channel[row] !== factChannel || derivations.isEmpty) return end;
  for (const each of derivations.ofRow(row)) if (each.kind === 'consolidated') end = Math.min(end, endOf(each.source));
  return end;
}
