import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import BetterSqlite, { type Database, SqliteError } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';
import { translated } from './database';

/**
 * Holds a folder for this process. It is a write transaction on a small SQLite file that never ends: the operating system
 * frees its lock when the process dies, however it dies, and others can still read who holds it.
 *
 * @throws STORE_HELD with the holder's process and machine.
 */
export function holdFolder(folder: string): { release(): void } {
  const file = join(folder, 'lock.db');
  try {
    return translated(() => hold(folder, file));
  } catch (error) {
    // Half a file, left by a machine that lost its power: nobody can hold what is no database.
    if (!MemoryError.is(error) || error.code !== 'RECORD_DAMAGED') throw error;
    rmSync(file, { force: true });
    return translated(() => hold(folder, file));
  }
}

function hold(folder: string, file: string): { release(): void } {
  const database = new BetterSqlite(file, { timeout: 0 });
  try {
    // Not WAL: in the rollback journal's modes a writer keeps the whole file.
    database.pragma('journal_mode = DELETE');
    database.exec('create table if not exists holder (pid integer not null, host text not null)');
    database
      .transaction(() => {
        database.exec('delete from holder');
        database.prepare('insert into holder values (?, ?)').run(process.pid, hostname());
      })
      .immediate();
    database.exec('begin immediate');
  } catch (error) {
    const refusal =
      error instanceof SqliteError && error.code.startsWith('SQLITE_BUSY') ? held(folder, database, error) : error;
    database.close();
    throw refusal;
  }
  return { release: () => database.close() };
}

function held(folder: string, database: Database, cause: unknown): MemoryError {
  const message = `The folder ${folder} is held by ${holder(database)}. Close the store there, use that process, or open with { readOnly: true } beside it.`;
  return new MemoryError('STORE_HELD', message, { cause, retryable: true });
}

function holder(database: Database): string {
  try {
    const row = database.prepare('select pid, host from holder').get() as { pid: number; host: string } | undefined;
    if (row !== undefined)
      return `process ${row.pid} on ${row.host}${row.pid === process.pid ? ', which is this process' : ''}`;
  } catch {
    // The holder is writing its name at this very moment.
  }
  return 'another process that is just opening it';
}
