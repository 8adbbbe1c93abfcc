import { mkdirSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { openAuditDatabase } from '../../audit/audit-database';
import { invalidInput, MemoryError } from '../../domain/errors';
import { isUint8Array } from '../../domain/realms';
import type { Environment } from '../../environment/environment';
import { fromSqlite, translated } from '../../sqlite/sqlite';
import { ReadModel } from '../../state/read-model';
import { StateStore } from '../../state/state-store';
import { openDatabase } from '../../state/tables/database';
import type { Checksum } from '../../state/tables/memory-row';
import type { Options } from '../open-options';

/** The store's database. Together with `auditFile` it is everything that a backup needs. */
export const databaseFile = 'memory.db';
/** The audit chain of accesses, and the checkpoints of both audit chains. */
export const auditFile = 'audit.db';

const indexFolder = 'index';

/** The folder of the vector index of one space. It is derived from the database, and may be deleted while the store is closed. */
export function indexFolderOf(space = 1): string {
  return space === 1 ? indexFolder : `${indexFolder}-${space}`;
}

const storeKeyBytes = 32;

/** Creates the folder of a store if it does not exist. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const known = fromSqlite(cause);
    if (MemoryError.is(known)) throw known;
    const { message: reason } = cause as Error;
    throw invalidFolder(`cannot create ${folder}: ${reason}.`, cause);
  }
}

/** @throws INVALID_INPUT if there is no store that can be read */
export function openStore(path: string, readOnly: boolean): Database {
  try {
    return translated(() => openDatabase({ path, readOnly }));
  } catch (error) {
    if (!readOnly || MemoryError.is(error)) throw error;
    throw invalidFolder(`expected a store, but ${path} cannot be read. Open it without readOnly first.`, error);
  }
}

/** @throws INVALID_INPUT if a read-only store needs an audit of reads, and the folder cannot be written to */
export function openAudit(path: string, { readOnly, audit: { reads } }: Options): Database {
  try {
    return translated(() => openAuditDatabase(path));
  } catch (error) {
    if (!readOnly || !MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
    // On a disk without write access the host can choose to read without an audit.
    if (reads === 'off') return openAuditDatabase(':memory:');
    const remedy = `Make it writable, or open the store with audit: { reads: 'off' }`;
    throw invalidFolder(`the audit of reads needs write access to ${path}. ${remedy}.`);
  }
}

function invalidFolder(message: string, cause?: unknown): MemoryError {
  const error = invalidInput([{ path: ['folder'], message }], 'folder');
  return cause === undefined ? error : Object.assign(error, { cause });
}

/** Runs something, and closes the database if it fails. */
export function closingOnError<T>(database: Database, run: () => T): T {
  try {
    return run();
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @throws RECORD_DAMAGED if the database does not hold the state of a store */
export function loadState(
  database: Database,
  checksum: Checksum,
  { onProgress }: Options,
): { readonly state: StateStore; readonly model: ReadModel } {
  try {
    return translated(() => {
      const state = new StateStore(database, checksum, onProgress);
      return { state, model: new ReadModel(state) };
    });
  } catch (error) {
    if (MemoryError.is(error)) throw error;
    const message = `The database ${database.name} is damaged: it cannot be read as a store. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message, { cause: error });
  }
}

/** The secret of a store, which signs cursors and keys the digests of idempotent writes. It is made with the store. */
export function storeKeyOf({ meta, database }: StateStore, { randomBytes }: Environment): Uint8Array {
  const kept = meta.get('store_key');
  if (isUint8Array(kept)) return kept;
  const made = randomBytes(storeKeyBytes);
  if (!database.readonly) meta.put('store_key', Buffer.from(made));
  return made;
}
