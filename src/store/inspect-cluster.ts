import { join } from 'node:path';
import { folderPath } from '../domain/folder-path';
import type { FolderReport } from '../raft/storage/folder-report';
import { raftFolder } from './composition/file-names';

/** What is in the log folder of a node. What could not be read is undefined, and a problem says why. */
export type ClusterFolderReport = FolderReport;

/**
 * Describes the log of a node from its files, and checks all of them. It opens every file for reading only, and never changes a byte.
 *
 * @param folder The folder of the store.
 * @throws INVALID_INPUT
 */
export async function inspectCluster(folder: string | URL): Promise<ClusterFolderReport> {
  const { inspectFolder } = await import('../raft/storage/folder-report');
  return inspectFolder(join(folderPath(folder), raftFolder));
}
