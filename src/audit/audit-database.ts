import type { Database } from 'better-sqlite3';
import { invalidInput, MemoryError } from '../domain/errors';
import { openSqlite } from '../sqlite/open-sqlite';
import {
  assertNotFatal,
  type SchemaObjects,
  type SchemaProblem,
  schemaObjects,
  schemaProblems,
} from '../sqlite/schema-check';
import { configure, sharedLockTimeoutMs } from '../sqlite/sqlite';

export interface EntriesTable {
  seq: number;
  hash: Buffer;
  body: string;
}

/** The complete segments of a chain (1,024 consecutive entries each). A row stays here after retention has dropped the entries. */
export interface SegmentsTable {
  /** The number of the segment, from 0. */
  segment: number;
  /** The root of the Merkle tree over the entries of the segment. */
  root: Buffer;
  /** The hash of the last entry in the segment. */
  hash: Buffer;
  /** The times of the earliest and the latest entry, in epoch milliseconds. */
  first_at: number;
  last_at: number;
}

/**
 * Records which entries name which memory id. Derived from the bodies of the entries. The primary key begins with the segment, so
 * new rows go to the end of the table.
 */
export interface TouchedTable {
  segment: number;
  /** A hash of the id. Two ids may have the same hash. */
  key: number;
  seq: number;
}

/** The names behind the pseudonyms. Entries contain only pseudonyms, so an erasure can delete a name here without changing the chain. */
export interface NamesTable {
  pseudonym: string;
  kind: NameKind;
  /** JSON: the id of a principal, or the labels of a namespace. */
  name: string;
}

export type NameKind = 'agent' | 'user' | 'service' | 'namespace';

/** The tables of one chain. */
export interface ChainTables {
  audit_entries: EntriesTable;
  audit_segments: SegmentsTable;
  audit_touched: TouchedTable;
  audit_names: NamesTable;
}

/** The latest checkpoint of each segment, for both chains. */
export interface CheckpointsTable {
  chain: string;
  segment: number;
  size: number;
  note: string;
}

/** One row for each process that has the database open. If a process dies, its row stays. */
export interface OpeningsTable {
  id: string;
  /** 'owner': the writer process of the folder. */
  role: 'owner' | 'reader';
  pid: number;
  host: string;
  /** 1 if answers wait until their entries are on disk, so that no entry is missing after a crash. */
  durable: number;
}

export interface AuditTables extends ChainTables {
  audit_checkpoints: CheckpointsTable;
  audit_openings: OpeningsTable;
  /**
   * 'copied': a backup made this file, and no process has opened it since. 'erased' with the id of an erasure: the names of its subject were
   * removed.
   */
  audit_marks: { mark: string };
}

/**
 * Creates the tables of a chain. The store's database holds the 'changes' chain, `audit.db` the 'access' chain. Released databases
 * were created with this script, so it must not change.
 */
export const chainTablesScript = `
create table audit_entries (seq integer primary key, hash blob not null, body text not null);
create table audit_segments (
  segment integer primary key, root blob not null, hash blob not null, first_at integer not null, last_at integer not null
);
create table audit_touched (segment integer not null, key integer not null, seq integer not null, primary key (segment, key, seq)) without rowid;
create table audit_names (pseudonym text primary key, kind text not null, name text not null, unique (kind, name)) without rowid;
`;

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
 * Opens `audit.db`, the database of the 'access' chain, and creates it if it does not exist. Several processes may have it open.
 *
 * @param path A file, or ':memory:'.
 * @throws STORE_NEWER if a newer release wrote it
 */
export function openAuditDatabase(path: string): Database {
  return prepareAuditDatabase(openSqlite(path, { timeout: sharedLockTimeoutMs }));
}

/** Creates or checks the tables of an open database. If that fails, closes the database. */
export function prepareAuditDatabase(database: Database): Database {
  try {
    database.pragma('trusted_schema = OFF');
    assertAuditOrEmpty(database);
    if (versionOf(database) === 0) configure(database);
    database
      .transaction(() => {
        if (versionOf(database) > 0) return;
        database.exec(script);
        database.pragma(`user_version = ${version}`);
      })
      .immediate();
    assertNotFatal(database.name, auditSchemaProblems(database));
    configure(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @throws INVALID_INPUT if another program made the database; RECORD_DAMAGED if its tables are not those of an audit */
export function assertAuditOrEmpty(database: Database, path = database.name): void {
  if (versionOf(database) > 0) assertNotFatal(path, auditSchemaProblems(database));
  else if (database.prepare('select count(*) from sqlite_master').pluck().get() !== 0) {
    const message = `expected an empty folder or a store, got a folder in which another program wrote the database ${path}.`;
    throw invalidInput([{ path: ['folder'], message }], 'folder');
  }
}

let expected: SchemaObjects | undefined;

/** How the schema of `audit.db` differs from what this release makes. */
export function auditSchemaProblems(database: Database): SchemaProblem[] {
  expected ??= expectedSchema();
  return schemaProblems(schemaObjects(database), expected);
}

function expectedSchema(): SchemaObjects {
  const database = openSqlite(':memory:');
  try {
    database.exec(script);
    return schemaObjects(database);
  } finally {
    database.close();
  }
}

function versionOf(database: Database): number {
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found <= version) return found;
  const message = `audit.db has schema version ${found}, and this release supports versions up to ${version}. Open the store with the release that wrote it, or a later one.`;
  throw new MemoryError('STORE_NEWER', message);
}

/** Marks the `audit.db` of a backup as a copy. The first process that opens it records in the chain that the store was restored. */
export function markAsCopy(path: string): void {
  const database = openSqlite(path);
  try {
    database.exec("delete from audit_openings; insert or ignore into audit_marks values ('copied')");
  } finally {
    database.close();
  }
}

/** Removes the mark that `markAsCopy` made, inside the caller's transaction. Returns whether the mark existed. */
export function removeCopyMark(database: Database): boolean {
  return database.prepare("delete from audit_marks where mark = 'copied'").run().changes > 0;
}
