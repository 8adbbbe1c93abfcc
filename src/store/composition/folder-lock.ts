import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import BetterSqlite, { SqliteError } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { translated } from '../../sqlite/sqlite';

/** What holds a folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Holds a folder for this process. It is a write transaction on an empty SQLite file that never ends: the operating system
 * frees its lock when the process dies, however it dies. Who holds it is told by a file beside it, which decides nothing.
 *
 * @throws STORE_HELD with the holder's process and machine.
 */
export function lockFolder(folder: string): FolderLock {
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

function hold(folder: string, file: string): FolderLock {
  const database = new BetterSqlite(file, { timeout: 0 });
  const name = join(folder, 'holder.json');
  try {
    // One step that nobody can come between, and nothing is ever written to the file: it works on a full disk, too.
    database.exec('begin immediate');
  } catch (error) {
    database.close();
    throw error instanceof SqliteError && error.code.startsWith('SQLITE_BUSY') ? held(folder, name, error) : error;
  }
  writeName(name);
  return {
    release: () => {
      rmSync(name, { force: true });
      database.close();
    },
  };
}

function writeName(file: string): void {
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: hostname() }));
  } catch {
    // A full disk: the folder is held without a name.
  }
}

function held(folder: string, name: string, cause: unknown): MemoryError {
  const message = `The folder ${folder} is held by ${holder(name)}. Close the store there, use that process, or open with { readOnly: true } beside it.`;
  return new MemoryError('STORE_HELD', message, { cause, retryable: true });
}

function holder(file: string): string {
  try {
    const { pid, host } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; host: string };
    return `process ${pid} on ${host}${pid === process.pid ? ', which is this process' : ''}`;
  } catch {
    return 'another process, which has not told its name yet';
  }
}
