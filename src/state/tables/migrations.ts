import type { Database } from 'better-sqlite3';
import { chainTablesScript } from '../../audit/audit-database';
import { MemoryError } from '../../domain/errors';
import { isUint8Array } from '../../domain/realms';
import { hashIdempotencyKey } from './idempotency-key';

/** What leads from one schema version to the next. */
type Migration = string | ((database: Database) => void);

/**
 * One script for each schema version, in order. A released script never changes; a new version gets a new script.
 *
 * Indexes start with a column whose values ascend, or cover only some rows, because an insertion at a random place would write one
 * more page. `first_change_seq` finds the first change of a memory, so only later changes need an index.
 */
const migrations: readonly Migration[] = [
  `
create table meta (key text primary key, value) without rowid;
create table namespaces (id integer primary key, parent integer not null, label text not null, unique (parent, label));
create table scopes (id integer primary key, namespace integer not null, access_tags text not null, unique (namespace, access_tags));
create table actors (id integer primary key, kind text not null, name text not null, on_behalf_of text not null, unique (kind, name, on_behalf_of));
create table spaces (id integer primary key, model text not null, dimensions integer not null, normalized integer not null);
create table memories (
  row integer primary key, id text not null, revision integer not null, state text not null,
  scope integer not null, owner integer not null, author integer not null, kind text not null,
  user_id text, session_id text, key text, priority real not null, tags text not null, metadata text not null,
  source_channel text not null, source_ref text, created_at integer not null, updated_at integer not null,
  valid_from integer not null, valid_to integer, expires_at integer, supersedes text, superseded_by text,
  space integer, parts integer not null, length integer not null, first_entry integer not null,
  entry integer not null, checksum text not null
);
create unique index memories_id on memories (id);
create unique index memories_key on memories (scope, owner, key) where key is not null;
create index memories_created_at on memories (created_at);
create index memories_user_id on memories (user_id) where user_id is not null;
create index memories_session_id on memories (session_id) where session_id is not null;
create table texts (row integer primary key, text not null);
create virtual table tokens using fts5(words, content='', columnsize=0, tokenize='ascii');
insert into tokens (tokens, rank) values ('automerge', 16);
create virtual table postings using fts5vocab(tokens, instance);
create table tags (tag text not null, row integer not null, primary key (tag, row)) without rowid;
create table vectors (key integer primary key, vector blob not null, checksum integer not null);
create table changes (
  entry integer primary key, row integer not null, revision integer not null, type text not null,
  at integer not null, by integer not null, scope integer not null, owner integer not null
);
create unique index changes_revision on changes (row, revision) where revision > 1;
create table revisions (row integer not null, revision integer not null, record text not null, primary key (row, revision)) without rowid;
create table idempotency (
  author integer not null, key text not null, digest text not null, id text not null, revision integer not null, primary key (author, key)
) without rowid;
create table rules (
  id integer primary key, effect text not null, subject text not null, actions text not null, namespace text not null,
  declared integer not null, since integer not null, until integer
);
`,
  `
create table declarations (
  number integer primary key, id text not null unique, declaration text not null, at_open integer not null,
  since integer not null, until integer, checksum text
);
insert into declarations (id, declaration, at_open, since, until)
  select 'rule-' || id, json_object('effect', effect, 'to', json(subject), 'actions', json(actions), 'at', json(namespace)),
    declared, since, until from rules order by id;
drop table rules;
create table former_subjects (user_id text not null, row integer not null, primary key (user_id, row)) without rowid;
`,
  chainTablesScript,
  `
alter table spaces add column role text not null default 'current';
alter table spaces add column entry integer not null default 0;
create table embedded (
  space integer not null, row integer not null, parts integer not null, entry integer not null, primary key (row, space)
) without rowid;
create index embedded_entry on embedded (space, entry);
`,
  `
create table requests (
  client text not null, number integer not null, outcome text not null, at integer not null, primary key (client, number)
) without rowid;
`,
  `
alter table meta rename to store_meta;
alter table scopes rename to label_sets;
alter table memories rename column scope to label_set;
alter table memories rename column parts to chunks;
alter table memories rename column first_entry to first_change_seq;
alter table memories rename column entry to change_seq;
alter table changes rename column entry to change_seq;
alter table changes rename column scope to label_set;
alter table spaces rename column entry to change_seq;
alter table embedded rename column parts to chunks;
alter table embedded rename column entry to change_seq;
drop index embedded_entry;
create index embedded_change_seq on embedded (space, change_seq);
update revisions set record = json_remove(
  json_insert(
    record,
    '$.label_set', json_extract(record, '$.scope'), '$.chunks', json_extract(record, '$.parts'),
    '$.first_change_seq', json_extract(record, '$.first_entry'), '$.change_seq', json_extract(record, '$.entry')
  ),
  '$.scope', '$.parts', '$.first_entry', '$.entry'
) where json_valid(record);
`,
  hashIdempotencyKeys,
  `
insert into tokens (tokens, rank) values ('automerge', 0), ('usermerge', 16), ('crisismerge', 64);
replace into store_meta (key, value) select 'words_through', coalesce(max(row), 0) from memories;
`,
  // Nothing in the schema changes, but from this version on all names are in normal form: `ensureNormalNames` converts those of earlier
  // versions, and an earlier release, which would add names in any form, does not open the store any more.
  '',
  `
create table log_position (log integer primary key, entry integer not null, term integer not null, digest text not null);
create table sessions (
  log integer not null, node integer not null, start integer not null, last_frame integer not null, primary key (log, node)
) without rowid;
`,
  // `ColumnStore` lists the memories of each user and session in RAM, but not the forgotten ones. The two indexes were half of the pages
  // that a write added to the log.
  `
drop index memories_user_id;
drop index memories_session_id;
create index memories_forgotten_user_id on memories (user_id) where state = 'forgotten' and user_id is not null;
`,
  // The words were in FTS5. `Words.complete` computes them again from the texts.
  `
drop table postings;
drop table tokens;
delete from store_meta where key = 'words_through';
create table word_segments (
  id integer primary key, level integer not null, first integer not null, last integer not null, target integer, checksum integer not null
);
create table word_pages (
  id integer primary key, segment integer not null, first blob not null, row integer not null, page blob not null,
  checksum integer not null
);
create index word_pages_first on word_pages (segment, first, row);
`,
  `
create table cluster_membership (
  log integer primary key, cluster text not null, entry integer not null, members text not null, checksum text not null
);
`,
  // Memories of earlier releases keep null in the new columns, and their checksums do not cover them.
  `
alter table memories add column trust integer;
alter table memories add column pinned integer;
create table derivations (
  row integer not null, source integer not null, kind text not null, checksum integer not null, primary key (row, source)
) without rowid;
create index derivations_source on derivations (source, row);
create table contributors (
  row integer not null, actor integer not null, checksum integer not null, primary key (row, actor)
) without rowid;
create index contributors_actor on contributors (actor, row);
`,
  // `sealNames` fills the columns.
  `
alter table namespaces add column alias integer;
alter table namespaces add column checksum text;
alter table label_sets add column alias integer;
alter table label_sets add column checksum text;
alter table actors add column alias integer;
alter table actors add column checksum text;
alter table spaces add column checksum text;
`,
  `
create table incidents (
  number integer primary key, id text not null unique, at integer not null, authors text not null, since integer, ended integer,
  reason text, checksum integer not null
);
create table contained (
  incident integer not null, row integer not null, state text not null, reason text not null, revision integer not null,
  checksum integer not null, primary key (incident, row)
) without rowid;
create index contained_row on contained (row, incident);
`,
  `
create table holds (
  id text primary key, matter text not null, selection text not null, since integer not null, until integer, checksum text not null
) without rowid;
create table withheld (
  row integer not null, revision integer not null, record text not null, primary key (row, revision)
) without rowid;
`,
  `
create table erasures (
  id text primary key, at integer not null, subject text, reason text, erased integer not null, finished integer, names_wait integer not null,
  checksum text not null
) without rowid;
create table awaiting_erasure (row integer not null, erasure text not null, primary key (row, erasure)) without rowid;
`,
  `
create table endorsements (
  row integer not null, actor integer not null, trust integer not null, revision integer not null, at integer not null,
  checksum integer not null, primary key (row, actor)
) without rowid;
create index endorsements_actor on endorsements (actor, row);
`,
  `
create table receipts (erasure text primary key, number integer not null, receipt text not null, checksum text not null) without rowid;
`,
];

function hashIdempotencyKeys(database: Database): void {
  const storeKey = database.prepare("select value from store_meta where key = 'store_key'").pluck().get();
  if (!isUint8Array(storeKey)) {
    // The digests in the same rows were made with the secret, which is lost. No repeated call could match them.
    database.exec('delete from idempotency');
    return;
  }
  database.function('hash_idempotency_key', { deterministic: true }, (key) =>
    hashIdempotencyKey(storeKey, String(key)),
  );
  database.exec('update idempotency set key = hash_idempotency_key(key)');
}

/** The schema version that this release uses. */
export const schemaVersion = migrations.length;

/**
 * Migrates a database to this release's schema. The step to each version is one transaction. An empty database gets the schema as a whole,
 * because running all steps was a quarter of the processor time that a new store takes to open.
 *
 * @throws STORE_NEWER if a newer release wrote the database
 */
export function migrate(database: Database, to = schemaVersion): void {
  const found = versionOf(database);
  const isNew = found === 0 && to === schemaVersion;
  if (isNew && definitions !== undefined) create(database, definitions);
  else runSteps(database, found, to);
  if (isNew) definitions ??= definitionsIn(database);
}

/** The definitions of this release's schema, as the first empty database of this process got them. */
let definitions: string | undefined;

function definitionsIn(database: Database): string {
  const found = database.prepare('select sql from sqlite_master where sql is not null order by rowid').pluck().all();
  return found.join(';\n');
}

function create(database: Database, schema: string): void {
  database.transaction(() => {
    database.exec(schema);
    database.pragma(`user_version = ${schemaVersion}`);
  })();
}

function runSteps(database: Database, found: number, to: number): void {
  for (const [i, script] of migrations.slice(0, to).entries()) {
    if (i < found) continue;
    database.transaction(() => {
      if (typeof script === 'string') database.exec(script);
      else script(database);
      database.pragma(`user_version = ${i + 1}`);
    })();
  }
}

/** Checks whether an earlier release wrote the database. */
export function isOutdated(database: Database): boolean {
  const version = versionOf(database);
  return version > 0 && version < schemaVersion;
}

/**
 * Reads the schema version of a database. An empty database has version 0.
 *
 * @throws STORE_NEWER if a newer release wrote the database
 */
export function versionOf(database: Database): number {
  const found = database.pragma('user_version', { simple: true }) as number;
  if (found > schemaVersion) {
    const message = `The store has schema version ${found}, and this release supports versions up to ${schemaVersion}. Open it with the release that wrote it, or with a later one.`;
    throw new MemoryError('STORE_NEWER', message);
  }
  return found;
}
