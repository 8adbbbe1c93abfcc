import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { fromSqlite } from '../../sqlite/sqlite';
import { type ReadRange, readInHalves } from './damage';

// Small enough to use little RAM, and large enough that the overhead for each range is negligible.
const rowsPerRange = 256;

/** Runs a query over all rows in `memories`, one range at a time. Skips rows on damaged pages. */
export function* intactRows<R>(database: Database, read: ReadRange<R>): Generator<R> {
  const last = database.prepare('select coalesce(max(row), 0) from memories').pluck().get() as number;
  for (let after = 0; after < last; after += rowsPerRange) {
    yield* readInHalves(read, { after, to: Math.min(last, after + rowsPerRange) }, (_, error) => {
      if (!isDamage(error)) throw error;
      return [];
    });
  }
}

/** Checks whether an error comes from a damaged database and not, for example, from a full disk. */
export function isDamage(error: unknown): boolean {
  const known = fromSqlite(error);
  return MemoryError.is(known) && known.code === 'RECORD_DAMAGED';
}
