import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MemoryError } from '../../domain/errors';
import { openSqlite } from '../../sqlite/open-sqlite';
import { isSqliteError, translated } from '../../sqlite/sqlite';
import { lockFile, writerFile } from './file-names';
import { readWriter } from './folder-contents';

/** The lock that this process holds on a folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Locks a folder, so that only this process writes it. The lock is a write transaction on an empty SQLite file that stays open. The
 * operating system releases the lock when the process ends, even if it crashes. A second file names the process; it is used only in
 * error messages.
 *
 * @throws STORE_HELD if another process holds the folder. The message names the process and the machine.
 */
export function lockFolder(folder: string): FolderLock {
  const file = join(folder, lockFile);
  try {
    return translated(() => hold(folder, file), file);
  } catch (error) {
    // After a power failure the file may be incomplete. No process can hold a lock on a file that is not a database, so it is deleted.
    // In a folder without a store, the file would belong to another program, and `protectFolder` has refused it.
    if (!MemoryError.is(error) || error.code !== 'RECORD_DAMAGED') throw error;
    rmSync(file, { force: true });
    return translated(() => hold(folder, file), file);
  }
}

function hold(folder: string, file: string): FolderLock {
  const database = openSqlite(file, { timeout: 0 });
  const name = join(folder, writerFile);
  try {
    // This takes the lock in one atomic step. Nothing is ever written to the file, so it also works on a full disk.
    database.exec('begin immediate');
  } catch (error) {
    database.close();
    throw isSqliteError(error) && error.code.startsWith('SQLITE_BUSY') ? held(folder, name, error) : error;
  }
  writeName(name);
  return {
    release: () => {
      if (isReplaceable(name)) rmSync(name, { force: true });
      database.close();
    },
  };
}

const privateFileMode = 0o600;

function writeName(file: string): void {
  if (!isReplaceable(file)) return;
  try {
    // The file is replaced and not overwritten, so that a symbolic link to another file is never followed.
    rmSync(file, { force: true });
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: privateFileMode, flag: 'wx' });
    chmodSync(file, privateFileMode);
  } catch {
    // The disk may be full. The folder is locked even if the file with the process's name is missing.
  }
}

/** Checks that the file does not belong to another program. A process that was killed may have left it empty. */
function isReplaceable(file: string): boolean {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return size === 0 || readWriter(file) !== undefined;
}

function held(folder: string, name: string, cause: unknown): MemoryError {
  const holder = readWriter(name);
  const isOwn = holder?.pid === process.pid && holder.host === hostname();
  const place = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  const message = isOwn
    ? `The folder ${folder} is held by ${place}, which is this process: another thread, another version of this library or another context, such as a test file of Jest, has opened it. Close it there, or use MemoryStore.connect(folder, { takeOver: true }) in place of open in each of them.`
    : `The folder ${folder} is held by ${place}. Close the store there, use MemoryStore.connect(folder, { takeOver: true }) in both processes, or open the folder with { readOnly: true }.`;
  return new MemoryError('STORE_HELD', message, { cause, retryable: true });
}
