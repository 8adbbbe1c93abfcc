import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { fromSqlite } from '../../sqlite/sqlite';
import { type ReadRange, readInParts } from '../verify/damage';

// Few enough for little memory, many enough that a range costs no more than its rows.
const rowsPerRange = 256;

/** Everything that a query by ranges of rows of `memories` can read; rows on damaged pages are passed over. */
export function* readableRows<R>(database: Database, read: ReadRange<R>): Generator<R> {
  const last = database.prepare('select coalesce(max(row), 0) from memories').pluck().get() as number;
  for (let after = 0; after < last; after += rowsPerRange) {
    yield* readInParts(read, { after, to: Math.min(last, after + rowsPerRange) }, (_, error) => {
      if (!isDamage(error)) throw error;
      return [];
    });
  }
}

/** Whether it is the database that is damaged, and not a disk that is full, for one. */
export function isDamage(error: unknown): boolean {
  const told = fromSqlite(error);
  return MemoryError.is(told) && told.code === 'RECORD_DAMAGED';
}
