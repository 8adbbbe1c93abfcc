import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { invalidInput, MemoryError } from '../../domain/errors';
import { openSqlite } from '../../sqlite/open-sqlite';
import { isSqliteError, translated } from '../../sqlite/sqlite';
import { databaseFile, lockFile, writerFile } from './file-names';

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
  const file = join(folder, lockFile);
  try {
    return translated(() => hold(folder, file), file);
  } catch (error) {
    // A machine that lost its power left half a file. A file that is not a database cannot be locked by anybody. In a folder without
    // a store, the file belongs to another program.
    if (!MemoryError.is(error) || error.code !== 'RECORD_DAMAGED') throw error;
    if ((statSync(join(folder, databaseFile), { throwIfNoEntry: false })?.size ?? 0) === 0)
      throw foreignLock(file, error);
    rmSync(file, { force: true });
    return translated(() => hold(folder, file), file);
  }
}

function hold(folder: string, file: string): FolderLock {
  const database = openSqlite(file, { timeout: 0 });
  const name = join(folder, writerFile);
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

const privateFileMode = 0o600;

function foreignLock(path: string, cause: unknown): MemoryError {
  const message = `expected an empty folder or a store, got one in which ${path} is a file of another program.`;
  return Object.assign(invalidInput([{ path: ['folder'], message }], 'folder'), { cause });
}

function writeName(file: string): void {
  try {
    // Replaced and not overwritten, so that a link to another file is never followed.
    rmSync(file, { force: true });
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: privateFileMode, flag: 'wx' });
    chmodSync(file, privateFileMode);
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
