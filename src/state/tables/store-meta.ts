import BetterSqlite, { type Database } from 'better-sqlite3';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { queries } from './schema';

/** 1 in a copy that a backup has made, until it is opened. */
export const copyMark = 'copied';

/** Single facts about the store. */
export class StoreMeta {
  readonly #get: Statement<{ key: string }, { value: string | number | Buffer }>;
  readonly #put: Statement<{ key: string; value: string | number | Buffer }, unknown>;

  constructor(database: Database) {
    this.#get = prepare(database, (p) => queries.selectFrom('store_meta').select('value').where('key', '=', p('key')));
    this.#put = prepare(database, (p) =>
      queries.replaceInto('store_meta').values({ key: p('key'), value: p('value') }),
    );
  }

  get(key: string): string | number | Buffer | undefined {
    return this.#get.get({ key })?.value;
  }

  put(key: string, value: string | number | Buffer): void {
    this.#put.run({ key, value });
  }
}

/** Marks a database that a backup has made: who opens it first says so in its audit. */
export function markCopy(path: string): void {
  const database = new BetterSqlite(path);
  try {
    new StoreMeta(database).put(copyMark, 1);
  } finally {
    database.close();
  }
}
