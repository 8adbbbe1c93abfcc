import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { assertAuditOrEmpty } from '../../audit/audit-database';
import { invalidInput, type MemoryError } from '../../domain/errors';
import { translated } from '../../sqlite/sqlite';
import { checkedDatabase } from '../../state/tables/database';
import { auditFile, databaseFile, lockFile, writerFile } from './file-names';
import { maxSnapshotBytes, openSnapshot } from './read-snapshot';

/**
 * What is in a folder before this process has changed anything there. 'others' means files and folders that are not those of a store, such
 * as those of a project.
 */
export type FolderContents = 'nothing' | 'store' | 'store among others' | 'others';

/** The name and the machine of a writer process, as `holder.json` names it. */
export interface Writer {
  readonly pid: number;
  readonly host: string;
}

interface KnownDatabase {
  readonly file: string;
  /** A part of the SQL of a table, as the database file contains it. */
  readonly mark: string;
  /** Returns if the database is empty or belongs to a store. Otherwise it throws. */
  check(database: Database, path: string): unknown;
}

const knownDatabases: readonly KnownDatabase[] = [
  { file: databaseFile, mark: 'TABLE texts (row integer primary key, text not null)', check: checkedDatabase },
  { file: auditFile, mark: 'audit_entries (seq integer primary key', check: assertAuditOrEmpty },
];

// SQLite puts the SQL of the first tables near the start of the file, at about 120,000 bytes in `memory.db`.
const headBytes = 2 ** 20;
// Much more than a process id and the name of a machine take.
const maxWriterBytes = 1_024;

/**
 * Finds out, without a change to the folder, whether it holds a store.
 *
 * @param isOfStore Returns whether a store makes files and folders with this name.
 * @throws INVALID_INPUT if another program made a database with the name of one of the store's; RECORD_DAMAGED if a database is damaged
 */
export function contentsOf(folder: string, isOfStore: (name: string) => boolean): FolderContents {
  const names = readdirSync(folder);
  if (names.length === 0) return 'nothing';
  const lock = join(folder, lockFile);
  // While a store has just been created, all its tables may be in the write-ahead log, which its writer process changes all the time.
  const hasWriter = readWriter(join(folder, writerFile)) !== undefined && bytesOf(lock) === 0;
  const [isStore = false] = knownDatabases.map((known) => holdsTables(join(folder, known.file), known, hasWriter));
  if (isStore) return names.every(isOfStore) ? 'store' : 'store among others';
  if ((bytesOf(lock) ?? 0) > 0) throw foreignFile(lock);
  return 'others';
}

function holdsTables(path: string, { mark, check }: KnownDatabase, hasWriter: boolean): boolean {
  const bytes = bytesOf(path) ?? 0;
  if (bytes === 0) return false;
  if (hasWriter || bytes > maxSnapshotBytes || headOf(path).includes(mark)) return true;
  return translated(() => {
    const database = openSnapshot(path, { readOnly: false });
    try {
      check(database, path);
      return database.prepare('select count(*) from sqlite_master').pluck().get() !== 0;
    } finally {
      database.close();
    }
  }, path);
}

/** Reads which process writes the folder. Undefined if no file says so, or if the file with this name is not one of a store. */
export function readWriter(path: string): Writer | undefined {
  if ((bytesOf(path) ?? Number.POSITIVE_INFINITY) > maxWriterBytes) return undefined;
  try {
    const { pid, host, ...others } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const isWriter = Number.isInteger(pid) && typeof host === 'string' && Object.keys(others).length === 0;
    return isWriter ? { pid: pid as number, host } : undefined;
  } catch {
    return undefined;
  }
}

/** The length of a file. Undefined if there is no file, but a folder or nothing. */
function bytesOf(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : undefined;
}

/** The first bytes of a file, in which the tables of a store would be named. */
function headOf(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(headBytes);
    return head.subarray(0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

/** The error for a file of another program that has the name of one of the store's files. */
function foreignFile(path: string): MemoryError {
  const message = `expected an empty folder or a store, got a folder in which ${path} belongs to another program.`;
  return invalidInput([{ path: ['folder'], message }], 'folder');
}
