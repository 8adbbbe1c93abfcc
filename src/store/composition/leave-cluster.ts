import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../domain/errors';
import { folderPath } from '../../domain/folder-path';
import { fromSqlite } from '../../sqlite/sqlite';
import { endMembership } from '../../state/tables/cluster-membership';
import { openDatabase } from '../../state/tables/database';
import { copyMark, StoreMeta } from '../../state/tables/store-meta';
import { databaseFile, raftFolder, sharedLogFolder } from './file-names';
import { lockFolder } from './folder-lock';
import { realPath } from './real-path';
import { claimFolder } from './version-claims';

/**
 * Takes the store in a folder out of its cluster, with everything that it has applied. It is then a store of its own: the other members get
 * nothing that is written here, and the next `open` records in the audit that its history may differ from theirs. The members do not
 * learn of it, and count this node until they remove it.
 *
 * @returns False if the store belonged to no cluster. Nothing was changed then.
 * @throws INVALID_INPUT if there is no store in the folder; STORE_HELD if it is open
 */
export function leaveCluster(folder: string | URL): boolean {
  const { path, release } = holdFolder(folder);
  try {
    return leave(path);
  } catch (error) {
    throw fromSqlite(error);
  } finally {
    release();
  }
}

/** The folder of a store that no process has open. */
export interface HeldFolder {
  readonly path: string;
  release(): void;
}

/**
 * Keeps other processes from opening a folder.
 *
 * @throws INVALID_INPUT if there is no store in the folder; STORE_HELD if it is open
 */
export function holdFolder(folder: string | URL): HeldFolder {
  const path = folderPath(folder);
  if (!existsSync(join(path, databaseFile))) {
    const message = `expected the folder of a store, got ${path}, which has no ${databaseFile}. Check the path.`;
    throw invalidInput([{ path: ['folder'], message }], 'folder');
  }
  const endClaim = claimFolder(realPath(path));
  try {
    const lock = lockFolder(path);
    const release = () => {
      lock.release();
      endClaim();
    };
    return { path, release };
  } catch (error) {
    endClaim();
    throw fromSqlite(error);
  }
}

/** Makes the store in a folder, which nobody else may open meanwhile, one that is alone. Returns whether it belonged to a cluster. */
export function leave(folder: string): boolean {
  const database = openDatabase({ path: join(folder, databaseFile), readOnly: false });
  try {
    const meta = new StoreMeta(database);
    const hasLeft = database.transaction(() => {
      const wasMember = endMembership(database);
      if (wasMember) meta.put(copyMark, 1);
      return wasMember;
    })();
    // The log comes last: without its log a member could not start again, and a store that is alone ignores the log.
    for (const name of [raftFolder, sharedLogFolder]) rmSync(join(folder, name), { recursive: true, force: true });
    return hasLeft;
  } finally {
    database.close();
  }
}
