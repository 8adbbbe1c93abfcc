import type { Database } from 'better-sqlite3';
import { isSqliteError, translated } from '../../sqlite/sqlite';
import type { MemoriesTable } from '../tables/schema';
import type { Words } from '../tables/words';
import type { VerifyProblem } from './damage';
import { intactRows, isDamage } from './intact-rows';

/**
 * Rebuilds SQLite's indexes, the table of tags and the keyword index from the records, each only if one of the problems concerns it.
 * This runs in one transaction and blocks the event loop for some seconds for 100,000 texts. A part that cannot be rebuilt because
 * of damaged pages stays as it was.
 *
 * @throws DISK_FULL, or any other error that does not come from damage. In this case nothing has changed.
 */
export function repairDerived(database: Database, words: Words, problems: readonly VerifyProblem[]): void {
  const has = (part: VerifyProblem['part']) => problems.some((problem) => problem.part === part);
  const run = database.transaction(() => {
    if (has('database')) attempt(database, () => database.exec('reindex'));
    if (has('database')) attempt(database, () => rebuildTags(database));
    if (has('words')) attempt(database, () => words.rebuild());
  });
  try {
    translated(() => run.immediate());
  } finally {
    words.reload();
  }
}

/** Runs a rebuild completely, or not at all if damage prevents it. */
function attempt(database: Database, rebuild: () => void): void {
  try {
    database.transaction(rebuild)();
  } catch (error) {
    if (!isDamage(error) && !isConstraintViolation(error)) throw error;
  }
}

/** Checks for the error that SQLite gives if damaged records violate a unique index. Such an index cannot be rebuilt. */
function isConstraintViolation(error: unknown): boolean {
  return isSqliteError(error) && error.code.startsWith('SQLITE_CONSTRAINT');
}

function rebuildTags(database: Database): void {
  const insert = database.prepare('insert or ignore into tags (tag, row) values (?, ?)');
  const stored = database.prepare<[number, number], Pick<MemoriesTable, 'row' | 'tags'>>(
    "select row, tags from memories where row > ? and row <= ? and state <> 'forgotten'",
  );
  database.exec('delete from tags');
  for (const { row, tags } of intactRows(database, (after, to) => stored.all(after, to))) {
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
