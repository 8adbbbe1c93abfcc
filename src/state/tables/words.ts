import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import type { Progress } from '../../domain/calls';
import { startStopwatch } from '../../environment/timers';
import { analyze, analyzerVersion } from '../../keyword-index/analyzer';
import { prepare } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import { intactRows } from '../verify/intact-rows';
import { memoryRowOf, type StoredMemoryRow } from './memory-row';
import { queries } from './schema';
import type { StoreMeta } from './store-meta';

/** Checks whether the words were indexed with the current analyzer and the current version of Unicode. */
export function areCurrentWords(meta: StoreMeta): boolean {
  return meta.get('analyzer') === analyzerVersion;
}

/**
 * Indexes the words of all texts again if they were indexed with another analyzer or another version of Unicode. Otherwise the tokens
 * would differ, and words could neither be found nor deleted.
 */
export function ensureWords(database: Database, meta: StoreMeta, onProgress?: (progress: Progress) => void): void {
  if (!areCurrentWords(meta)) rebuildWords(database, meta, onProgress);
}

// Often enough for a user who waits, and rare enough that the reports cost almost nothing.
const recordsPerReport = 1_000;

/** Indexes the words of all texts again, in one transaction. Texts that cannot be read are indexed without words or skipped. */
export function rebuildWords(database: Database, meta: StoreMeta, onProgress?: (progress: Progress) => void): void {
  const elapsedMs = startStopwatch();
  const insert = database.prepare(sql`insert into tokens (rowid, words) values (?, ?)`.compile(queries).sql);
  const stored = prepare<{ after: number; to: number }, StoredMemoryRow>(database, (p) =>
    withText()
      .where('memories.row', '>', p('after'))
      .where('memories.row', '<=', p('to'))
      .where('memories.state', '!=', 'forgotten'),
  );
  database
    .transaction(() => {
      database.exec("insert into tokens (tokens) values ('delete-all')");
      const total = database
        .prepare("select count(*) from memories where state <> 'forgotten'")
        .pluck()
        .get() as number;
      let done = 0;
      for (const record of intactRows(database, (after, to) => stored.all({ after, to }))) {
        insert.run(record.row, wordsOf(record));
        done++;
        if (onProgress === undefined || (done % recordsPerReport !== 0 && done !== total)) continue;
        onProgress({ phase: 'index words', done, failed: 0, total, perSecond: (done / elapsedMs()) * 1000 });
      }
      meta.put('analyzer', analyzerVersion);
    })
    .immediate();
}

function wordsOf(stored: StoredMemoryRow): string {
  // The text of a damaged row may have any type.
  const isText = typeof stored.text === 'string' || Buffer.isBuffer(stored.text);
  return isText ? analyze(memoryRowOf(stored).text).join(' ') : '';
}
