import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MemoryError } from '../../domain/errors';
import { openSqlite } from '../../sqlite/open-sqlite';
import { isSqliteError, translated } from '../../sqlite/sqlite';

/** The lock on a folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Locks a folder for this process: the process that writes. The lock is a write transaction on an empty SQLite file that never ends, so
 * that the operating system releases it whenever and however the process dies. A second file names the process, only for messages.
 *
 * @throws STORE_HELD with the process and the machine that hold the folder
 */
export function lockFolder(folder: string): FolderLock {
  const file = join(folder, 'lock.db');
  try {
    return translated(() => hold(folder, file));
  } catch (error) {
    // A machine that lost its power left half a file. A file that is not a database cannot be locked by anybody.
    if (!MemoryError.is(error) || error.code !== 'RECORD_DAMAGED') throw error;
    rmSync(file, { force: true });
    return translated(() => hold(folder, file));
  }
}

function hold(folder: string, file: string): FolderLock {
  const database = openSqlite(file, { timeout: 0 });
  const name = join(folder, 'holder.json');
  try {
    // One atomic step. Nothing is ever written to the file, so that it works on a full disk too.
    database.exec('begin immediate');
  } catch (error) {
    database.close();
    throw isSqliteError(error) && error.code.startsWith('SQLITE_BUSY') ? held(folder, name, error) : error;
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
    // The disk is full: the folder is locked without a name.
  }
}

function held(folder: string, name: string, cause: unknown): MemoryError {
  const message = `The folder ${folder} is held by ${holder(name)}. Close the store there, connect to that process, or open the folder with { readOnly: true }.`;
  return new MemoryError('STORE_HELD', message, { cause, retryable: true });
}

function holder(file: string): string {
  try {
    const { pid, host } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; host: string };
    return `process ${pid} on ${host}${pid === process.pid ? ', which is this process' : ''}`;
  } catch {
    return 'another process';
  }
}
