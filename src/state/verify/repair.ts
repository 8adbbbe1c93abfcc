import BetterSqlite, { type Database } from 'better-sqlite3';
import { translated } from '../../sqlite/sqlite';
import { isDamage, readableRows } from '../queries/readable-rows';
import type { MemoriesTable } from '../tables/schema';
import type { StoreMeta } from '../tables/store-meta';
import { rebuildWords } from '../tables/words';
import type { VerifyProblem } from './damage';

/**
 * Makes anew what the database derives from its own records and what a problem is named of: indexes and tags, and words. In
 * one transaction, in one turn of the event loop: some ten seconds where 100,000 texts are indexed. What cannot be mended for
 * damaged pages stays as it was.
 *
 * @throws DISK_FULL and whatever else is no damage; then nothing is changed.
 */
export function repairDerived(database: Database, meta: StoreMeta, problems: readonly VerifyProblem[]): void {
  const has = (part: VerifyProblem['part']) => problems.some((problem) => problem.part === part);
  translated(() =>
    database
      .transaction(() => {
        if (has('database')) attempt(database, () => database.exec('reindex'));
        if (has('database')) attempt(database, () => rebuildTags(database));
        if (has('words')) attempt(database, () => rebuildWords(database, meta));
      })
      .immediate(),
  );
}

/** Does all of something, or nothing of it where damage is in its way. */
function attempt(database: Database, mend: () => void): void {
  try {
    database.transaction(mend)();
  } catch (error) {
    if (!isDamage(error) && !isContradiction(error)) throw error;
  }
}

/** Two records that say what only one may say: no index over them can be made. */
function isContradiction(error: unknown): boolean {
  return error instanceof BetterSqlite.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT');
}

function rebuildTags(database: Database): void {
  const insert = database.prepare('insert or ignore into tags (tag, row) values (?, ?)');
  const stored = database.prepare<[number, number], Pick<MemoriesTable, 'row' | 'tags'>>(
    "select row, tags from memories where row > ? and row <= ? and state <> 'forgotten'",
  );
  database.exec('delete from tags');
  for (const { row, tags } of readableRows(database, (after, to) => stored.all(after, to))) {
    for (const tag of tagsIn(tags)) insert.run(tag, row);
  }
}

function tagsIn(json: string): string[] {
  try {
    const tags: unknown = JSON.parse(json);
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  } catch {
    return [];
  }
}
