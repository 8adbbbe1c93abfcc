/** What lies in a store's folder, beside the lock. */
export const databaseFile = 'memory.db';
/** The chain of accesses, and the checkpoints of both chains. */
export const auditFile = 'audit.db';
/** Derived from the database: may be deleted while the store is closed. */
export const indexFolder = 'index';

/** Each embedding space has an index of its own. */
export function indexFolderOf(space = 1): string {
  return space === 1 ? indexFolder : `${indexFolder}-${space}`;
}
