import type { Database } from 'better-sqlite3';

/** Makes a database durable: every commit on disk before it returns, deleted bytes overwritten. */
export function configure(database: Database): void {
  database.pragma('journal_mode = WAL');
  // The compiled default in WAL mode is NORMAL, which may lose acknowledged commits with the power.
  database.pragma('synchronous = FULL');
  database.pragma('secure_delete = ON');
  database.pragma('cache_size = -65536');
  database.pragma('temp_store = MEMORY');
}
