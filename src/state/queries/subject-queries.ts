import type { Database } from 'better-sqlite3';
import { prepare, type Statement, translated } from '../../sqlite/sqlite';
import { queries } from '../tables/schema';

/** Finds what is known about somebody, and what was: forgotten memories, and those that are about somebody else by now. */
export class SubjectQueries {
  readonly #ids: Statement<{ userId: string }, { id: string }>;

  constructor(database: Database) {
    this.#ids = prepare(database, (p) =>
      queries
        .selectFrom('memories')
        .select('id')
        .where('user_id', '=', p('userId'))
        .union(
          queries
            .selectFrom('former_subjects')
            .innerJoin('memories', 'memories.row', 'former_subjects.row')
            .select('memories.id')
            .where('former_subjects.user_id', '=', p('userId')),
        ),
    );
  }

  idsAbout(userId: string): string[] {
    return translated(() => this.#ids.all({ userId })).map(({ id }) => id);
  }
}
