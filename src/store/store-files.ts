/** What lies in a store's folder, beside the lock. */
export const databaseFile = 'memory.db';
/** Derived from the database: may be deleted while the store is closed. */
export const indexFolder = 'index';
