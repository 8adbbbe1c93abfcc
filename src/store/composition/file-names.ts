/** The store's database. Together with `auditFile` it is everything that a backup needs. */
export const databaseFile = 'memory.db';
/** The audit chain of accesses, and the checkpoints of both audit chains. */
export const auditFile = 'audit.db';
/** An empty database whose lock the writer process holds. */
export const lockFile = 'lock.db';
/** Names the writer process, for messages. */
export const writerFile = 'holder.json';
/** Space that lets deletions through when the disk is full. */
export const reserveFile = 'memory.reserve';

const indexFolder = 'index';

/** The folder of the vector index of one space. It is derived from the database, and may be deleted while the store is closed. */
export function indexFolderOf(space = 1): string {
  return space === 1 ? indexFolder : `${indexFolder}-${space}`;
}
