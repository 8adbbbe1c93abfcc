import { join } from 'node:path';
import Database from 'better-sqlite3';
import { v7 } from 'uuid';
import type { memoryOf } from './corpus';

type Item = ReturnType<typeof memoryOf>;

const itemsPerTransaction = 1_000;

/**
 * Bare better-sqlite3: record, vector, unique id and full-text row, in one durable transaction for each memory, with SQLite's defaults
 * otherwise. The text is stored once and ids grow with time, which is fastest for SQLite.
 */
export class BareSqlite {
  readonly #database: Database.Database;
  readonly #insert: (item: Item) => void;
  readonly #durably: (item: Item) => void;

  constructor(folder: string) {
    const database = new Database(join(folder, 'bare.sqlite'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec(`
      create table records (
        row integer primary key, id text not null unique, text text not null, namespace text not null, author text not null,
        user_id text, session_id text, metadata text not null, valid_from integer not null, created_at integer not null
      );
      create table vectors (row integer primary key, vector blob not null);
      create virtual table words using fts5(text, content = 'records', content_rowid = 'row', tokenize = 'porter unicode61');
    `);
    const record = database.prepare(
      `insert into records (id, text, namespace, author, user_id, session_id, metadata, valid_from, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const vector = database.prepare('insert into vectors (row, vector) values (?, ?)');
    const words = database.prepare('insert into words (rowid, text) values (?, ?)');
    this.#database = database;
    this.#insert = (item) => {
      const { text, userId, sessionId } = item;
      const [namespace, metadata] = [JSON.stringify(item.namespace), JSON.stringify(item.metadata)];
      const at = Date.now();
      const row = record.run(v7(), text, namespace, 'agent', userId, sessionId, metadata, at, at).lastInsertRowid;
      vector.run(row, new Uint8Array(item.vector.buffer, item.vector.byteOffset, item.vector.byteLength));
      words.run(row, text);
    };
    this.#durably = database.transaction(this.#insert);
  }

  /** Stores many memories, fast. */
  load(items: readonly Item[]): void {
    const all = this.#database.transaction((batch: readonly Item[]) => batch.forEach(this.#insert));
    for (let from = 0; from < items.length; from += itemsPerTransaction)
      all(items.slice(from, from + itemsPerTransaction));
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
  }

  /** Stores one memory. Returns when it is on disk. */
  remember(item: Item): void {
    this.#durably(item);
  }

  close(): void {
    this.#database.close();
  }
}
