import BetterSqlite, { type Database } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';
import { configure } from '../sqlite/sqlite';
import { type ChainTables, chainTablesScript } from './tables';

/** A checkpoint of either chain: the latest one in each segment. */
export interface CheckpointsTable {
  chain: string;
  segment: number;
  size: number;
  note: string;
}

/** Who has the file open, and does not say goodbye if it dies. */
export interface OpeningsTable {
  id: string;
  role: 'owner' | 'reader';
  pid: number;
  host: string;
  /** 1 where answers wait for their entries, so that none is missing. */
  durable: number;
}

export interface AuditTables extends ChainTables {
  audit_checkpoints: CheckpointsTable;
  audit_openings: OpeningsTable;
  /** 'copied': the file was made by a backup, and has not been opened since. */
  audit_marks: { mark: string };
}

const script = `${chainTablesScript}
create table audit_checkpoints (
  chain text not null, segment integer not null, size integer not null, note text not null, primary key (chain, segment)
) without rowid;
create table audit_openings (
  id text primary key, role text not null, pid integer not null, host text not null, durable integer not null
) without rowid;
create table audit_marks (mark text primary key) without rowid;
`;
const version = 1;

/**
 * Opens the database of the chain of accesses, and makes it where there is none. Several processes may have it open.
 *
 * @param path A file, or ':memory:'.
 * @throws STORE_NEWER where a newer release wrote it.
 */
export function openAuditDatabase(path: string): Database {
  const database = new BetterSqlite(path, { timeout: 5_000 });
  try {
    if (versionOf(database) === 0) configure(database);
    database
      .transaction(() => {
        if (versionOf(database) > 0) return;
        database.exec(script);
        database.pragma(`user_version = ${version}`);
      })
      .immediate();
    configure(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function versionOf(database: Database): number {
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found <= version) return found;
  const message = `The audit has schema version ${found}; this release knows versions up to ${version}. Open the store with the release that wrote it, or a later one.`;
  throw new MemoryError('STORE_NEWER', message);
}

/** Marks a file that a backup has made: nobody has it open, and who opens it first says so in the chain. */
export function markAsCopy(path: string): void {
  const database = new BetterSqlite(path);
  try {
    database.exec("delete from audit_openings; insert or ignore into audit_marks values ('copied')");
  } finally {
    database.close();
  }
}

/** Takes the mark of a copy away, inside the caller's transaction. Answers whether there was one. */
export function takeCopyMark(database: Database): boolean {
  return database.prepare("delete from audit_marks where mark = 'copied'").run().changes > 0;
}
