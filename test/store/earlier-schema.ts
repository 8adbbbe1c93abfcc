import type { Database } from 'better-sqlite3';
import { analyze } from '../../src/keyword-index/analyzer';
import { Interning } from '../../src/state/tables/interning';
import {
  loadChecksum,
  type MemoryRow,
  memoryRowOf,
  RowChecksum,
  type StoredMemoryRow,
} from '../../src/state/tables/memory-row';
import { decodeRevision } from '../../src/state/tables/revision-record';
import type { RevisionsTable } from '../../src/state/tables/schema';

const checksum = await loadChecksum();

/** Takes the trust out of all records, whose checksums then are what an earlier release has computed. */
function removeTrust(database: Database): void {
  const rowChecksum = new RowChecksum(checksum, new Interning(database));
  const earlier = { trust: null, pinned: null };
  const update = database.prepare('update memories set trust = null, pinned = null, checksum = ? where row = ?');
  const stored = database.prepare('select memories.*, texts.text from memories left join texts using (row)').all();
  const revise = database.prepare('update revisions set record = ? where row = ? and revision = ?');
  const revisions = database.prepare('select * from revisions where row = ? order by revision desc');
  for (const record of (stored as StoredMemoryRow[]).map(memoryRowOf)) {
    update.run(rowChecksum.addChecksum({ ...record, ...earlier }).checksum, record.row);
    let next: MemoryRow | undefined = record;
    for (const line of revisions.all(record.row) as RevisionsTable[]) {
      next = decodeRevision(line, next);
      if (next === undefined) break;
      const { trust: _, pinned: __, ...rest } = rowChecksum.addChecksum({ ...next, ...earlier });
      revise.run(JSON.stringify(rest), line.row, line.revision);
    }
  }
}

/** Gives a database the tables of schema version 9. The words were in FTS5, a full-text index of SQLite. */
export function restoreSchema9(database: Database): void {
  removeTrust(database);
  database.exec(`
    alter table memories drop column trust;
    alter table memories drop column pinned;
    update revisions set record = json_remove(record, '$.trust', '$.pinned') where json_valid(record);
    drop table derivations;
    drop table contributors;
    drop table cluster_membership;
    drop table log_position;
    drop table sessions;
    drop index memories_forgotten_user_id;
    create index memories_user_id on memories (user_id) where user_id is not null;
    create index memories_session_id on memories (session_id) where session_id is not null;
    drop table word_pages;
    drop table word_segments;
    create virtual table tokens using fts5(words, content='', columnsize=0, tokenize='ascii');
    insert into tokens (tokens, rank) values ('automerge', 0), ('usermerge', 16), ('crisismerge', 64);
    create virtual table postings using fts5vocab(tokens, instance);
    insert into store_meta (key, value) select 'words_through', coalesce(max(row), 0) from memories;
    pragma user_version = 9;`);
  const insert = database.prepare('insert into tokens (rowid, words) values (?, ?)');
  const texts = database.prepare('select row, text from texts').all() as { row: number; text: string | Buffer }[];
  for (const { row, text } of texts) insert.run(row, analyze(text.toString()).join(' '));
}
