import { mkdirSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { openAuditDatabase } from '../../audit/audit-database';
import { invalidInput, MemoryError } from '../../domain/errors';
import type { Environment } from '../../environment/environment';
import { fromSqlite, translated } from '../../sqlite/sqlite';
import { StateStore } from '../../state/state-store';
import { openDatabase } from '../../state/tables/database';
import type { Checksum } from '../../state/tables/memory-row';
import type { Options } from '../open-options';

const storeKeyBytes = 32;

/** Makes the folder of a store, where there is none. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const known = fromSqlite(cause);
    if (MemoryError.is(known)) throw known;
    const { message } = cause as Error;
    throw new MemoryError('INVALID_INPUT', `${folder} cannot be made: ${message}.`, {
      cause,
      issues: [{ path: ['folder'], message }],
    });
  }
}

/** @throws INVALID_INPUT where there is no store that can be read. */
export function openStore(path: string, readOnly: boolean): Database {
  try {
    return translated(() => openDatabase({ path, readOnly }));
  } catch (error) {
    if (!readOnly || MemoryError.is(error)) throw error;
    const issues = [
      { path: ['folder'], message: `holds no store that can be read (${path}): open it without readOnly first.` },
    ];
    throw new MemoryError('INVALID_INPUT', `There is no store to read: ${path} cannot be opened.`, {
      issues,
      cause: error,
    });
  }
}

/** @throws INVALID_INPUT where nothing can be written beside a store that is only read. */
export function openAudit(path: string, { readOnly, audit: { reads } }: Options): Database {
  try {
    return translated(() => openAuditDatabase(path));
  } catch (error) {
    if (!readOnly || !MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
    // A disk that cannot be written to: who says that reads need no audit has none.
    if (reads === 'off') return openAuditDatabase(':memory:');
    const message = `must be writable for the audit of reads (${path}), or the store opened with audit: { reads: 'off' }.`;
    throw invalidInput([{ path: ['folder'], message }], 'store');
  }
}

/** What fails takes the database with it. */
export function closingOnError<T>(database: Database, run: () => T): T {
  try {
    return run();
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @throws RECORD_DAMAGED where what is in the database makes no sense. */
export function truthOf(database: Database, checksum: Checksum, { onProgress }: Options): StateStore {
  try {
    return translated(() => new StateStore(database, checksum, onProgress));
  } catch (error) {
    if (MemoryError.is(error)) throw error;
    const message = `${database.name} cannot be read as a store: it is damaged. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message, { cause: error });
  }
}

/** The secret that authenticates cursors and hides what idempotency digests stand for. Made with the store. */
export function storeKeyOf({ meta, database }: StateStore, environment: Environment): Uint8Array {
  const kept = meta.get('store_key');
  if (kept instanceof Uint8Array) return kept;
  const made = environment.randomBytes(storeKeyBytes);
  if (!database.readonly) meta.put('store_key', Buffer.from(made));
  return made;
}
