import BetterSqlite, { type Database } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';

export interface DatabaseOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** Opens a database as this store needs it: every commit on disk before it returns, deleted bytes overwritten. */
export function openDatabase({ path, readOnly }: DatabaseOptions): Database {
  const database = new BetterSqlite(path, { readonly: readOnly, fileMustExist: readOnly, timeout: 5_000 });
  if (readOnly) return database;
  database.pragma('journal_mode = WAL');
  // The compiled default in WAL mode is NORMAL, which may lose acknowledged commits with the power.
  database.pragma('synchronous = FULL');
  database.pragma('secure_delete = ON');
  database.pragma('cache_size = -65536');
  database.pragma('temp_store = MEMORY');
  return database;
}

/** An error of SQLite in the words of this library; any other error as it is. */
export function fromSqlite(error: unknown): unknown {
  if (error instanceof TypeError && error.message === 'The database connection is not open') {
    return new MemoryError('STORE_CLOSED', 'The store was closed while this call was under way: open it again.', {
      cause: error,
    });
  }
  if (!(error instanceof BetterSqlite.SqliteError)) return error;
  const { code } = error;
  if (
    code === 'SQLITE_FULL' ||
    code === 'SQLITE_IOERR_WRITE' ||
    code === 'SQLITE_IOERR_FSYNC' ||
    code === 'SQLITE_IOERR_SHMSIZE'
  ) {
    const message =
      'The disk has no room for this write: nothing of it was kept, and everything acknowledged before is. Make room, then write again.';
    return new MemoryError('DISK_FULL', message, { cause: error });
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    const message =
      'The database file is damaged where this call reads it. Restore the folder from a backup; verify() says what is affected.';
    return new MemoryError('RECORD_DAMAGED', message, { cause: error });
  }
  return error;
}

/** Runs something on the database, with its errors in the words of this library. */
export function translated<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw fromSqlite(error);
  }
}
