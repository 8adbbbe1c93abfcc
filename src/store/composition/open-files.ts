import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { openAuditDatabase, prepareAuditDatabase } from '../../audit/audit-database';
import type { Stamp } from '../../domain/command';
import { invalidInput, MemoryError } from '../../domain/errors';
import { root } from '../../domain/principal';
import type { Environment, Logger } from '../../environment/environment';
import { isSqliteError, translated } from '../../sqlite/sqlite';
import { ReadModel } from '../../state/read-model';
import { StateStore } from '../../state/state-store';
import type { Checksum } from '../../state/tables/checksum';
import { checkedDatabase, openDatabase } from '../../state/tables/database';
import { storeKeyBytes, storeKeyOf } from '../../state/tables/store-key';
import type { Options } from '../open-options';
import { auditFile, databaseFile } from './file-names';
import { isForeign } from './folder-privacy';
import { memoryShares } from './memory-shares';
import { openSnapshot } from './read-snapshot';

/** SQLite's error codes for a database in a folder where SQLite may not create files. */
const unwritableCodes = /^SQLITE_(CANTOPEN|READONLY)/;

/**
 * Opens the database of a store. If a read-only store is in a folder that this process cannot write, or that another user owns, it is read
 * into RAM, unless its writer process is running.
 *
 * @throws INVALID_INPUT if the folder contains no store that can be read
 */
export function openStore(folder: string, { readOnly, trustFolder }: Options): Database {
  const path = join(folder, databaseFile);
  if (!readOnly) return translated(() => openDatabase({ path, readOnly }), path);
  return translated(() => {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) throw noStore(folder);
    const snapshot = () => checkedDatabase(openSnapshot(path, { readOnly }), path);
    if (isForeign(folder) && !trustFolder && !isInUse(path)) return snapshot();
    try {
      return openDatabase({ path, readOnly });
    } catch (error) {
      if (isUnwritable(error)) return snapshot();
      throw error;
    }
  }, path);
}

/**
 * Opens the audit of accesses. If this process cannot write the folder, reads cannot be recorded there. They are then recorded only in RAM,
 * unless the host has set the option `audit.reads`.
 *
 * @throws INVALID_INPUT if the host has set `audit.reads` and the folder is not writable
 */
export function openAudit(folder: string, options: Options, logger: Logger): Database {
  const path = join(folder, auditFile);
  const { readOnly, trustFolder, audit } = options;
  if (!readOnly) return translated(() => openAuditDatabase(path), path);
  return translated(() => {
    const mayWrite = trustFolder || !isForeign(folder);
    try {
      if (mayWrite) return openAuditDatabase(path);
    } catch (error) {
      if (!isUnwritable(error)) throw error;
    }
    if (audit.isRequired) {
      const remedy = 'Make it writable, or open the store without audit.reads';
      throw invalidFolder(`recording reads in the audit needs write access to ${path}. ${remedy}.`);
    }
    logger.warn('The folder cannot be written, so that reads are not recorded in its audit.', { folder });
    const isStored = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
    return isStored ? prepareAuditDatabase(openSnapshot(path, { readOnly: false })) : openAuditDatabase(':memory:');
  }, path);
}

/**
 * Checks whether a process has the database open, or was killed while it had. SQLite then has an index of the write-ahead log beside the
 * database, even if the log is empty, as it is after a forget. So a reader that opens the database creates no file.
 */
function isInUse(path: string): boolean {
  return existsSync(`${path}-shm`);
}

function isUnwritable(error: unknown): boolean {
  return isSqliteError(error) && unwritableCodes.test(error.code);
}

function noStore(folder: string): MemoryError {
  return invalidFolder(`there is no store in ${folder}. Check the path.`);
}

function invalidFolder(message: string, cause?: unknown): MemoryError {
  const error = invalidInput([{ path: ['folder'], message }], 'folder');
  return cause === undefined ? error : Object.assign(error, { cause });
}

/** Runs a function, and closes the database if the function throws. */
export function closingOnError<T>(database: Database, run: () => T): T {
  try {
    return run();
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @throws RECORD_DAMAGED if the database does not contain the state of a store */
export function loadState(
  database: Database,
  checksum: Checksum,
  { onProgress, memoryBytes }: Options,
): { readonly state: StateStore; readonly model: ReadModel } {
  try {
    return translated(() => {
      const state = new StateStore(database, checksum, onProgress);
      return { state, model: new ReadModel(state, memoryShares(memoryBytes, 0).postings) };
    });
  } catch (error) {
    if (MemoryError.is(error)) throw error;
    const message = `The database ${database.name} is damaged: it cannot be read as a store. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message, { cause: error });
  }
}

/**
 * Reads the secret of a store, or makes it if the store is new. It is made by a command, like everything that all peers of a store must
 * have in common.
 */
export function openStoreKey(state: StateStore, { randomBytes }: Pick<Environment, 'randomBytes'>): Uint8Array {
  const kept = storeKeyOf(state);
  if (kept !== undefined) return kept;
  const storeKey = randomBytes(storeKeyBytes);
  if (!state.database.readonly) keepStoreKeyOf(state, storeKey);
  return storeKey;
}

/** Makes this the secret of a new store. */
export function keepStoreKeyOf(state: StateStore, storeKey: Uint8Array): void {
  // Nothing records the time or the author of this command.
  const stamp: Stamp = { at: 0, by: root, scope: {}, seed: new Uint8Array() };
  const [outcome] = state.apply([{ type: 'bootstrap', storeKey, stamp }]).outcomes;
  if (outcome?.ok === false) throw outcome.error;
}

/** A name for the store that does not reveal its secret. */
export function storeIdOf(storeKey: Uint8Array): string {
  return createHash('sha256').update(storeKey).digest('hex').slice(0, 16);
}
