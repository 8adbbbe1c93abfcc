import type { Database } from 'better-sqlite3';
import { openSqlite } from '../../sqlite/open-sqlite';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { endMembership } from './cluster-membership';
import { queries } from './schema';

/** The key under which a copy made by `backup` has the value 1, until the copy is first opened. */
export const copyMark = 'copied';

/** Stores single values about the store itself, each under a key. */
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

/** Marks a database as a copy, so that the first `open` records this in the audit. The copy belongs to no cluster. */
export function markCopy(path: string): void {
  const database = openSqlite(path);
  try {
    endMembership(database);
    new StoreMeta(database).put(copyMark, 1);
  } finally {
    database.close();
  }
}
