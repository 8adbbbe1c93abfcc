import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '../domain/calls';
import { invalidInput } from '../domain/errors';
import { startStopwatch } from '../environment/stopwatch';
import { fromSqlite, translated } from '../sqlite/errors';
import type { Engine } from './engine';
import { databaseFile } from './store-files';

export interface BackupOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

// Some milliseconds of copying; between two parts others read and write.
const pagesPerTurn = 1_000;

/** Copies the database, which is all that a store needs, into an empty folder. What fails or is aborted leaves nothing there. */
export async function backup({ truth }: Engine, folder: string, { signal, onProgress }: BackupOptions): Promise<void> {
  signal?.throwIfAborted();
  translated(() => mkdirSync(folder, { recursive: true }));
  if (readdirSync(folder).length > 0)
    throw invalidInput([{ path: ['folder'], message: 'must be empty: a backup overwrites nothing.' }]);
  const elapsedMs = startStopwatch();
  const file = join(folder, databaseFile);
  try {
    const { totalPages } = await truth.database.backup(file, {
      progress: ({ totalPages, remainingPages }) => {
        signal?.throwIfAborted();
        const done = totalPages - remainingPages;
        onProgress?.({ phase: 'backup', done, failed: 0, total: totalPages, perSecond: (done / elapsedMs()) * 1000 });
        return pagesPerTurn;
      },
    });
    // SQLite tells of each part before it is copied, and of none after the last.
    const perSecond = (totalPages / elapsedMs()) * 1000;
    onProgress?.({ phase: 'backup', done: totalPages, failed: 0, total: totalPages, perSecond });
  } catch (error) {
    rmSync(file, { force: true });
    throw fromSqlite(error);
  }
}
