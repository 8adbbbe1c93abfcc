import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { markAsCopy } from '../audit/audit-database';
import type { Progress } from '../domain/calls';
import { invalidInput } from '../domain/errors';
import { startStopwatch } from '../environment/timers';
import { whileBusy } from '../environment/while-busy';
import { fromSqlite, translated } from '../sqlite/sqlite';
import { markCopy } from '../state/tables/store-meta';
import type { Engine } from './composition/engine';
import { auditFile, databaseFile } from './composition/file-names';
import { makeFile, makeFolder } from './composition/folder-privacy';

export interface BackupOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

// Copying this many pages takes 1.7 ms of processor time, and 1,000 pages take 7 ms. Other calls run between two turns.
const pagesPerTurn = 250;

function pagesAtOnce(signal: AbortSignal | undefined): number {
  signal?.throwIfAborted();
  return pagesPerTurn;
}

/**
 * Copies the store's database and the audit's database into an empty folder. All other files are derived from these two. If it fails, it
 * deletes what it has copied.
 */
export async function backup(
  { state, audit }: Pick<Engine, 'state' | 'audit'>,
  folder: string,
  { signal, onProgress }: BackupOptions,
): Promise<void> {
  signal?.throwIfAborted();
  translated(() => makeFolder(folder, false));
  if (translated(() => readdirSync(folder)).length > 0)
    throw invalidInput([
      { path: ['folder'], message: 'expected an empty folder, got one with files. A backup never overwrites files.' },
    ]);
  const elapsedMs = startStopwatch();
  const file = join(folder, databaseFile);
  const accesses = join(folder, auditFile);
  try {
    for (const path of [file, accesses]) makeFile(path, false);
    // The audit is copied first, because its checkpoints must not cover changes that are missing in the copy of the store.
    await whileBusy(() => audit.synchronize());
    await audit.database.backup(accesses, { progress: () => pagesAtOnce(signal) });
    markAsCopy(accesses);
    const { totalPages } = await state.database.backup(file, {
      progress: ({ totalPages, remainingPages }) => {
        signal?.throwIfAborted();
        const done = totalPages - remainingPages;
        onProgress?.({ phase: 'backup', done, failed: 0, total: totalPages, perSecond: (done / elapsedMs()) * 1000 });
        return pagesPerTurn;
      },
    });
    // SQLite reports progress before each step, so the end must be reported here.
    const perSecond = (totalPages / elapsedMs()) * 1000;
    markCopy(file);
    onProgress?.({ phase: 'backup', done: totalPages, failed: 0, total: totalPages, perSecond });
  } catch (error) {
    for (const path of [file, accesses]) for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    throw fromSqlite(error);
  }
}
