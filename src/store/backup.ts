import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { markAsCopy } from '../audit/audit-database';
import type { Progress } from '../domain/calls';
import { invalidInput } from '../domain/errors';
import { startStopwatch } from '../environment/timers';
import { fromSqlite, translated } from '../sqlite/sqlite';
import { markCopy } from '../state/tables/store-meta';
import type { Engine } from './composition/engine';
import { auditFile, databaseFile } from './composition/open-files';

export interface BackupOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

// Some milliseconds of copying; between two parts others read and write.
const pagesPerTurn = 1_000;

function pagesAtOnce(signal: AbortSignal | undefined): number {
  signal?.throwIfAborted();
  return pagesPerTurn;
}

/** Copies the store's database, which is all that it needs, and the chain of accesses into an empty folder. What fails or is aborted leaves nothing there. */
export async function backup(
  { state, audit }: Engine,
  folder: string,
  { signal, onProgress }: BackupOptions,
): Promise<void> {
  signal?.throwIfAborted();
  translated(() => mkdirSync(folder, { recursive: true }));
  if (readdirSync(folder).length > 0)
    throw invalidInput([{ path: ['folder'], message: 'must be empty: a backup overwrites nothing.' }]);
  const elapsedMs = startStopwatch();
  const file = join(folder, databaseFile);
  const accesses = join(folder, auditFile);
  try {
    // First: its checkpoints must not say more than the copy of the store holds.
    audit.synchronize();
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
    // SQLite tells of each part before it is copied, and of none after the last.
    const perSecond = (totalPages / elapsedMs()) * 1000;
    markCopy(file);
    onProgress?.({ phase: 'backup', done: totalPages, failed: 0, total: totalPages, perSecond });
  } catch (error) {
    for (const path of [file, accesses]) for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    throw fromSqlite(error);
  }
}
