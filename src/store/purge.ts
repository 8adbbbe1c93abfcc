import { existsSync } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MemoryError } from '../domain/errors';
import { startStopwatch } from '../environment/timers';
import { fromSqlite } from '../sqlite/sqlite';
import type { Engine } from './composition/engine';
import { databaseFile, raftFolder, sharedLogFolder, snapshotWorkFolder } from './composition/file-names';
import type { PendingPurge, PurgeOptions, PurgeResult } from './purge-result';
import { removeLeftovers } from './snapshots';

type PurgeDeps = Pick<Engine, 'state' | 'vectors' | 'spaces' | 'rewriteDatabase'>;

type ParsedPurgeOptions = { readonly [K in keyof PurgeOptions]: PurgeOptions[K] | undefined };

/** While the database is written again, its log takes as much space as the database. */
const neededRoom = 1.1;
const rewritten = new RegExp(`^(${databaseFile}(-wal)?|index(-\\d+)?)$`);

/**
 * Removes from disk what was forgotten: builds the vector indexes again, removes those that no search uses and what interrupted work has left, writes
 * the database again, and empties its log. A store in memory has nothing on disk.
 *
 * @throws DISK_FULL, INDEX_UNAVAILABLE, FILE_FAILED, STORE_BUSY. What was done until then stays done.
 */
export async function purge(
  engine: PurgeDeps,
  { signal, onProgress, dryRun = false }: ParsedPurgeOptions,
): Promise<PurgeResult> {
  const { database } = engine.state;
  if (database.memory) return { bytesBefore: 0, bytesAfter: 0, pending: [] };
  const folder = dirname(database.name);
  const bytesBefore = await bytesIn(folder);
  if (dryRun) return { bytesBefore, bytesAfter: bytesBefore, pending: pendingIn(folder, false) };
  await assertRoom(folder, database);
  let isBusy = false;
  const steps: [phase: string, run: () => unknown][] = [
    ['leftovers', () => removeLeftovers(folder)],
    ['index', () => engine.spaces.removeIdleIndexes()],
    ['index', () => engine.vectors.purge()],
    [
      'database',
      async () => {
        isBusy = (await engine.rewriteDatabase()).busy;
      },
    ],
  ];
  const elapsedMs = startStopwatch();
  for (const [i, [phase, run]] of steps.entries()) {
    signal?.throwIfAborted();
    try {
      await run();
    } catch (error) {
      throw fromSqlite(error);
    }
    const perSecond = ((i + 1) / elapsedMs()) * 1000;
    onProgress?.({ phase, done: i + 1, failed: 0, total: steps.length, perSecond });
  }
  return { bytesBefore, bytesAfter: await bytesIn(folder), pending: pendingIn(folder, isBusy) };
}

function pendingIn(folder: string, isBusy: boolean): PendingPurge[] {
  const pending: PendingPurge[] = [];
  if (isBusy) {
    const reason = 'A reader uses an earlier state of the database. The store tries again until the reader has ended.';
    pending.push({ part: 'log', reason });
  }
  if (existsSync(join(folder, raftFolder))) {
    const reason =
      'The log of the cluster keeps entries on each node until a snapshot of the state replaces them, at most twice `snapshotEveryMs` after the next write.';
    pending.push({ part: 'raft', reason });
  }
  if (existsSync(join(folder, sharedLogFolder))) {
    const reason = 'The servers keep the entries of the log, with the texts in them, until they are purged there.';
    pending.push({ part: 'raft', reason });
  }
  return pending;
}

/** @throws DISK_FULL if a copy of the database does not fit on the disk */
export async function assertRoom(folder: string, database: PurgeDeps['state']['database']): Promise<void> {
  const pages =
    (database.pragma('page_count', { simple: true }) as number) -
    (database.pragma('freelist_count', { simple: true }) as number);
  const needed = Math.ceil(pages * (database.pragma('page_size', { simple: true }) as number) * neededRoom);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const message = `The disk is too full: a purge needs ${needed} bytes for a while, and ${free} are free. Nothing was purged. Free some space.`;
  throw new MemoryError('DISK_FULL', message);
}

/** The number of bytes that a purge writes again or removes. */
async function bytesIn(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => rewritten.test(name) || snapshotWorkFolder.test(name));
  const sizes = await Promise.all(names.map((name) => sizeOf(join(folder, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The size of a file, or of all files in a folder. 0 for what was removed meanwhile. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return found?.size ?? 0;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
