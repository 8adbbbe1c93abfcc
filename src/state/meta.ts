import type { Database } from 'better-sqlite3';
import { prepare, type Statement } from '../sqlite/statement';
import { queries } from './queries';

/** Single facts about the store. */
export class Meta {
  readonly #get: Statement<{ key: string }, { value: string | number | Buffer }>;
  readonly #put: Statement<{ key: string; value: string | number | Buffer }, unknown>;

  constructor(database: Database) {
    this.#get = prepare(database, (p) => queries.selectFrom('meta').select('value').where('key', '=', p('key')));
    this.#put = prepare(database, (p) => queries.replaceInto('meta').values({ key: p('key'), value: p('value') }));
  }

  get(key: string): string | number | Buffer | undefined {
    return this.#get.get({ key })?.value;
  }

  put(key: string, value: string | number | Buffer): void {
    this.#put.run({ key, value });
  }
}
