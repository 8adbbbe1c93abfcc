import BetterSqlite, { type Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { configure } from '../../sqlite/sqlite';
import { versionOf } from './migrations';

export interface DatabaseOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** Opens a database as this store needs it: every commit on disk before it returns, deleted bytes overwritten. */
export function openDatabase({ path, readOnly }: DatabaseOptions): Database {
  const database = new BetterSqlite(path, { readonly: readOnly, fileMustExist: readOnly, timeout: 5_000 });
  try {
    // Before anything is written: a database that is newer, or not ours, stays as it is.
    if (versionOf(database) === 0) assertEmpty(database);
    if (!readOnly) configure(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function assertEmpty(database: Database): void {
  const tables = database.prepare('select count(*) from sqlite_master').pluck().get() as number;
  if (tables === 0 && !database.readonly) return;
  const issues = [
    { path: ['folder'], message: 'holds a database that is no store of this library: choose another folder.' },
  ];
  throw new MemoryError('INVALID_INPUT', `${database.name} is no store of this library.`, { issues });
}
