/** The file with the store's database. A backup needs only this file and `auditFile`. */
export const databaseFile = 'memory.db';
/** The file with the audit chain of accesses, and the checkpoints of both audit chains. */
export const auditFile = 'audit.db';
/** An empty database. The writer process holds a lock on it. */
export const lockFile = 'lock.db';
/** The file that names the writer process, for error messages. */
export const writerFile = 'holder.json';
/** A file that reserves disk space, so that memories can be deleted when the disk is full. */
export const reserveFile = 'memory.reserve';

/** The folder with the log of a member of a cluster. */
export const raftFolder = 'raft';

/** The folder that says which store this is on a log outside of the process. */
export const sharedLogFolder = 'shared-log';

const indexFolder = 'index';

/** The folder for one space's vector index. The index is derived from the database. You may delete the folder while the store is closed. */
export function indexFolderOf(space = 1): string {
  return space === 1 ? indexFolder : `${indexFolder}-${space}`;
}

/** The folder in which a restore unpacks a snapshot. While it is there, the restore is not complete. */
export const restoreFolder = 'restore.part';

/** The name of a folder for the working copy of a snapshot. The number is that of the process. */
export const snapshotWorkFolder = /^snapshot-(\d+)-[0-9a-f]+\.part$/;
