import type { Database } from 'better-sqlite3';
import { invalidInput } from '../../domain/errors';
import { openSqlite } from '../../sqlite/open-sqlite';
import { configure, lockTimeoutMs, sharedLockTimeoutMs } from '../../sqlite/sqlite';
import { assertStoreSchema } from './expected-schema';
import { versionOf } from './migrations';

export interface DatabaseOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  readonly readOnly: boolean;
}

/**
 * Opens the database of a store. When a commit returns, its data is on disk. Deleted bytes are overwritten.
 *
 * @param content The content of a database in memory.
 */
export function openDatabase({ path, readOnly }: DatabaseOptions, content?: Buffer): Database {
  const database = openSqlite(content ?? path, {
    readonly: readOnly,
    fileMustExist: readOnly,
    timeout: readOnly ? sharedLockTimeoutMs : lockTimeoutMs,
  });
  if (readOnly) return checkedDatabase(database);
  checkedDatabase(database);
  try {
    configure(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Returns the database if it is empty, or a store from this or an earlier release. Otherwise closes it and throws.
 *
 * @param path The file for the error. A copy in RAM has no path of its own.
 */
export function checkedDatabase(database: Database, path = database.name): Database {
  try {
    // This check comes before any write, because a database from a newer release or from another program must not change.
    database.pragma('trusted_schema = OFF');
    if (versionOf(database) === 0) assertEmpty(database, path);
    else assertStoreSchema(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function assertEmpty(database: Database, path: string): void {
  const tables = database.prepare('select count(*) from sqlite_master').pluck().get() as number;
  if (tables === 0 && !database.readonly) return;
  const message = `expected an empty folder or a store, got a folder in which another program wrote the database ${path}.`;
  throw invalidInput([{ path: ['folder'], message }], 'folder');
}
