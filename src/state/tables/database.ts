import BetterSqlite, { type Database } from 'better-sqlite3';
import { invalidInput } from '../../domain/errors';
import { configure } from '../../sqlite/sqlite';
import { versionOf } from './migrations';

export interface DatabaseOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** Opens the database of a store. A commit is on disk when it returns, and deleted bytes are overwritten. */
export function openDatabase({ path, readOnly }: DatabaseOptions): Database {
  const database = new BetterSqlite(path, { readonly: readOnly, fileMustExist: readOnly, timeout: 5_000 });
  try {
    // Checked before anything is written: a database of a newer release, or of another program, must not change.
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
  const message = `expected an empty folder or a store, got one in which ${database.name} is a database of another program.`;
  throw invalidInput([{ path: ['folder'], message }], 'folder');
}
