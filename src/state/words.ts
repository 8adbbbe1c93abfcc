import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import type { Progress } from '../domain/calls';
import { startStopwatch } from '../environment/stopwatch';
import { analyze, analyzerVersion } from '../keyword-index/analyzer';
import type { Meta } from './meta';
import { recordOf, type StoredRecord } from './record';
import { withText } from './record-queries';
import { queries } from './statement';

/**
 * Indexes the words of all texts anew where another analyzer, or another version of Unicode, has indexed them: words that
 * were indexed one way cannot be found, nor taken back, in another.
 */
export function ensureWords(database: Database, meta: Meta, onProgress?: (progress: Progress) => void): void {
  if (meta.get('analyzer') !== analyzerVersion) rebuildWords(database, meta, onProgress);
}

// Often enough for a person who waits, seldom enough to cost nothing.
const recordsPerReport = 1_000;

/** Indexes the words of all texts anew, in one transaction. */
export function rebuildWords(database: Database, meta: Meta, onProgress?: (progress: Progress) => void): void {
  const elapsedMs = startStopwatch();
  const insert = database.prepare(sql`insert into tokens (rowid, words) values (?, ?)`.compile(queries).sql);
  const all = withText().where('memories.state', '!=', 'forgotten').compile();
  database
    .transaction(() => {
      database.exec("insert into tokens (tokens) values ('delete-all')");
      const records = database.prepare(all.sql).all(...all.parameters) as StoredRecord[];
      for (const [i, record] of records.entries()) {
        insert.run(record.row, analyze(recordOf(record).text).join(' '));
        const done = i + 1;
        if (onProgress === undefined || (done % recordsPerReport !== 0 && done !== records.length)) continue;
        onProgress({
          phase: 'index words',
          done,
          failed: 0,
          total: records.length,
          perSecond: (done / elapsedMs()) * 1000,
        });
      }
      meta.put('analyzer', analyzerVersion);
    })
    .immediate();
}

/** What is wrong with the index of words, as FTS5 sees it; undefined where all is well. */
export function wordsProblem(database: Database): string | undefined {
  try {
    database.exec("insert into tokens (tokens) values ('integrity-check')");
    return undefined;
  } catch (error) {
    return `The index of words is damaged: ${(error as Error).message}.`;
  }
}

/** The rows in which a term occurs, one for each occurrence. */
export function postingsReader(database: Database): (term: string) => ArrayLike<number> {
  // As one JSON text: a third faster than a row for each occurrence.
  const { sql: text } = sql`select json_group_array(doc) from postings where term = ?`.compile(queries);
  const statement = database.prepare(text).pluck();
  return (term) => JSON.parse(statement.get(term) as string);
}
