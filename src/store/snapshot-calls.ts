import type { RestoreOptions } from './restore-snapshot';
import type { Snapshot, SnapshotList } from './snapshot';

// What only a restore needs is loaded by the first call.

/**
 * Restores a snapshot as a store in an empty folder, which `open` then opens. Every byte is checked before the folder contains a store. If the
 * process is killed meanwhile, `open` refuses the folder, and another call begins again. The store belongs to no cluster, and its audit says
 * that it was restored.
 *
 * @param from The file of a snapshot, or a folder with snapshots of one store.
 * @param to A folder that is empty or does not exist.
 * @returns the snapshot that was restored
 * @throws INVALID_INPUT (also for a missing or wrong key), RECORD_DAMAGED, STORE_NEWER, DISK_FULL, FILE_FAILED. The folder is then as it was.
 */
export async function restoreSnapshot(
  from: string | URL,
  to: string | URL,
  options: RestoreOptions = {},
): Promise<Snapshot> {
  const { restore } = await import('./restore-snapshot');
  return restore(from, to, options);
}

/**
 * Lists the snapshots in a folder, without their keys: when each was made, its last change, its size and its digest.
 *
 * @throws INVALID_INPUT if the folder cannot be read
 */
export async function listSnapshots(folder: string | URL): Promise<SnapshotList> {
  const { list } = await import('./snapshots');
  return list(folder);
}
