import type { Database } from 'better-sqlite3';
import { analyze } from '../../src/keyword-index/analyzer';
import { loadChecksum } from '../../src/state/tables/checksum';
import { type MemoryRow, memoryRowOf, type StoredMemoryRow } from '../../src/state/tables/memory-row';
import { decodeRevision } from '../../src/state/tables/revision-record';
import type { RevisionsTable } from '../../src/state/tables/schema';

const checksum = await loadChecksum();

// As release 0.1 had them.
const coveredColumns = [
  ...['row', 'id', 'revision', 'state', 'label_set', 'owner', 'author', 'kind', 'user_id', 'session_id', 'key'],
  ...['priority', 'tags', 'metadata', 'source_channel', 'source_ref', 'created_at', 'updated_at', 'valid_from'],
  ...['valid_to', 'expires_at', 'supersedes', 'superseded_by', 'space', 'chunks', 'length', 'first_change_seq'],
  ...['change_seq', 'text'],
] as (keyof MemoryRow)[];

/** Gives all records the checksums of earlier releases, which cover the names of namespaces and actors, and takes away those of the names. */
export function restoreUnsealedNames(database: Database): void {
  const all = <T>(sql: string) => database.prepare(sql).all() as T[];
  database.exec('update memories set trust = null, pinned = null');
  const paths = new Map<number, string[]>([[0, []]]);
  for (const { id, parent, label } of all<{ id: number; parent: number; label: string }>('select * from namespaces'))
    paths.set(id, [...(paths.get(parent) ?? []), label]);
  const labels = new Map(
    all<{ id: number; namespace: number; access_tags: string }>('select * from label_sets').map(
      ({ id, namespace, access_tags }) => [id, JSON.stringify(paths.get(namespace)) + access_tags],
    ),
  );
  const actors = new Map([[0, '']]);
  for (const each of all<Record<'kind' | 'name' | 'on_behalf_of', string> & { id: number }>('select * from actors')) {
    const { id, kind, name, on_behalf_of: user } = each;
    actors.set(id, JSON.stringify(kind === 'root' ? ['root'] : [kind, name, user === '' ? null : user]));
  }
  const earlier = (record: MemoryRow) => {
    const { label_set, author, owner } = record;
    const names = `${labels.get(label_set)}${actors.get(author)}${actors.get(owner)}`;
    return checksum.ofText(JSON.stringify(coveredColumns.map((column) => record[column])) + names);
  };
  const update = database.prepare('update memories set checksum = ? where row = ?');
  const stored = 'select memories.*, texts.text from memories left join texts on texts.row = memories.row';
  const latest = new Map(all<StoredMemoryRow>(stored).map((each) => [each.row, memoryRowOf(each)]));
  for (const record of latest.values()) update.run(earlier(record), record.row);
  const revise = database.prepare('update revisions set record = ? where row = ? and revision = ?');
  for (const line of all<RevisionsTable>('select * from revisions order by row, revision desc')) {
    const record = decodeRevision(line, latest.get(line.row)) as MemoryRow;
    latest.set(line.row, record);
    const { trust: _, pinned: __, ...rest } = { ...record, checksum: earlier(record) };
    revise.run(JSON.stringify(rest), line.row, line.revision);
  }
  for (const table of ['namespaces', 'label_sets', 'actors']) database.exec(`alter table ${table} drop column alias`);
  for (const table of ['namespaces', 'label_sets', 'actors', 'spaces'])
    database.exec(`alter table ${table} drop column checksum`);
  for (const table of [
    'incidents',
    'contained',
    'holds',
    'withheld',
    'erasures',
    'awaiting_erasure',
    'endorsements',
    'receipts',
  ])
    database.exec(`drop table ${table}`);
  database.exec("delete from store_meta where key = 'names_sealed'");
}

/** Gives a database the tables of schema version 9. The words were in FTS5, a full-text index of SQLite. */
export function restoreSchema9(database: Database): void {
  restoreUnsealedNames(database);
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
