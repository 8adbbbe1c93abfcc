import type { Database, Statement as Prepared } from 'better-sqlite3';
import { normalName } from '../../domain/names';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import { intactRows } from '../verify/intact-rows';
import type { Checksum } from './checksum';
import { type Contribution, Contributors } from './contributors';
import { Declarations } from './declarations';
import { type Endorsement, Endorsements } from './endorsements';
import { Incidents } from './incidents';
import { Interning } from './interning';
import { type MemoryRow, memoryRowOf, RowChecksum, type StoredMemoryRow } from './memory-row';
import { damagedNames, resealNames } from './name-rows';
import { normalDeclarations } from './normal-declarations';
import { mergeNormalNames, type Renumbering } from './normal-numbers';
import { decodeRevision, isPartial } from './revision-record';
import type { Tables } from './schema';
import type { StoreMeta } from './store-meta';

/** Unicode may give another normal form to a character that it did not have in the version of this runtime. */
const formVersion = `NFC unicode ${process.versions.unicode}`;

/**
 * Converts all names in a store to their normal form, unless this was done with this version of Unicode. Earlier releases stored names
 * as they were given, so two names could look the same. From now on they are equal: their namespaces, label sets and principals are
 * merged. No memory is lost: of two memories that would have one key, the one that changed last keeps it, and the key of the other gets
 * its id as a suffix.
 *
 * The audit stays as it is, because hashes cover it. Hashes of idempotency keys stay too (see `Idempotency`).
 *
 * @returns the ids of the memories whose keys got a suffix
 */
export function ensureNormalNames(database: Database, meta: StoreMeta, checksum: Checksum): string[] {
  if (meta.get('name_form') === formVersion) return [];
  return database
    .transaction(() => {
      const renamed = hasNames(database) ? new NameConversion(database, checksum).run() : [];
      meta.put('name_form', formVersion);
      return renamed;
    })
    .immediate();
}

function hasNames(database: Database): boolean {
  // A memory has an author and a namespace, so no other table with names has rows if these have none.
  const tables = ['actors', 'namespaces', 'declarations', 'incidents'].map(
    (table) => `exists (select 1 from ${table})`,
  );
  return (
    database
      .prepare(`select ${tables.join(' or ')}`)
      .pluck()
      .get() === 1
  );
}

type Names = Pick<MemoryRow, 'key' | 'user_id' | 'session_id' | 'tags'>;
type Numbers = Pick<MemoryRow, 'label_set' | 'owner' | 'author'>;
type Unread = Names & Numbers & Pick<MemoryRow, 'row'>;
type Keyed = Pick<MemoryRow, 'row' | 'id' | 'label_set' | 'owner' | 'change_seq'> & { key: string };

/** One conversion of all names, inside a transaction. */
class NameConversion {
  readonly #database: Database;
  readonly #before: RowChecksum;
  readonly #after: RowChecksum;
  readonly #declarations: Declarations;
  readonly #incidents: Incidents;
  readonly #contributions: readonly Contribution[];
  readonly #endorsed: readonly Endorsement[];
  readonly #contributors: Contributors;
  readonly #endorsements: Endorsements;
  readonly #labelSets: Renumbering;
  readonly #actors: Renumbering;
  readonly #read: Statement<{ row: number }, StoredMemoryRow>;
  readonly #updateRevision: Prepared<[Tables['revisions']]>;

  constructor(database: Database, checksum: Checksum) {
    this.#database = database;
    this.#updateRevision = database.prepare(
      'update revisions set record = @record where row = @row and revision = @revision',
    );
    const before = new Interning(database, checksum);
    this.#before = new RowChecksum(checksum, before);
    // Read before names are merged, because the checksums of these lines cover them.
    this.#contributions = [...new Contributors(database, checksum, before).all()];
    this.#endorsed = [...new Endorsements(database, checksum, before).all()];
    const damaged = damagedNames(database, checksum);
    const { labelSets, actors } = mergeNormalNames(database);
    resealNames(database, checksum, damaged);
    this.#labelSets = labelSets;
    this.#actors = actors;
    const after = new Interning(database, checksum);
    this.#after = new RowChecksum(checksum, after);
    this.#contributors = new Contributors(database, checksum, after);
    this.#endorsements = new Endorsements(database, checksum, after);
    this.#declarations = new Declarations(database, checksum);
    this.#incidents = new Incidents(database, checksum);
    this.#read = prepare(database, (p) => withText().where('memories.row', '=', p('row')));
  }

  run(): string[] {
    const rows = new Set(this.#rowsToConvert());
    const renamed = rows.size === 0 ? new Map<number, string>() : this.#keysWithSuffix();
    for (const row of renamed.keys()) rows.add(row);
    this.#completeRevisions(rows);
    const ids = rows.size === 0 ? [] : this.#convertMemories(rows, renamed);
    this.#convertRevisions();
    this.#convertWithheld();
    if (this.#labelSets.changed.size + this.#actors.changed.size > 0) this.#renumberLines();
    this.#convertFormerSubjects();
    this.#declarations.convert(normalDeclarations);
    return ids;
  }

  #convertMemories(rows: ReadonlySet<number>, renamed: ReadonlyMap<number, string>): string[] {
    // Keys that only swap places would be equal for a moment.
    const index = this.#database.prepare("select sql from sqlite_master where name = 'memories_key'").pluck().get();
    this.#database.exec('drop index if exists memories_key');
    const update = this.#database.prepare(`
      update memories set label_set = @label_set, owner = @owner, author = @author, key = @key, user_id = @user_id,
        session_id = @session_id, tags = @tags, checksum = @checksum where row = @row`);
    const deleteTag = this.#database.prepare('delete from tags where tag = ? and row = ?');
    const insertTag = this.#database.prepare('insert or ignore into tags (tag, row) values (?, ?)');
    const ids: string[] = [];
    for (const row of rows) {
      const record = memoryRowOf(this.#read.get({ row }) as StoredMemoryRow);
      const { text: _, ...converted } = this.#converted(record, renamed.get(row));
      update.run(converted);
      if (renamed.has(row)) ids.push(record.id);
      if (converted.tags === record.tags || record.state === 'forgotten') continue;
      for (const tag of JSON.parse(record.tags)) deleteTag.run(tag, row);
      for (const tag of JSON.parse(converted.tags)) insertTag.run(tag, row);
    }
    if (typeof index === 'string') this.#database.exec(index);
    return ids;
  }

  *#rowsToConvert(): Generator<number> {
    const unread = this.#database.prepare<[number, number], Unread>(
      'select row, label_set, owner, author, key, user_id, session_id, tags from memories where row > ? and row <= ?',
    );
    for (const each of intactRows(this.#database, (after, to) => unread.all(after, to)))
      if (this.#isRenumbered(each) || !areNormal(each)) yield each.row;
  }

  /** The new keys of memories whose keys would equal the key of another memory in the same place, by row. */
  #keysWithSuffix(): Map<number, string> {
    const keyed = this.#database.prepare<[number, number], Keyed>(
      'select row, id, label_set, owner, change_seq, key from memories where row > ? and row <= ? and key is not null',
    );
    const byPlace = new Map<string, Keyed[]>();
    for (const each of intactRows(this.#database, (after, to) => keyed.all(after, to))) {
      const place = this.#placeOf(each, normal(each.key));
      byPlace.set(place, [...(byPlace.get(place) ?? []), each]);
    }
    const renamed = new Map<number, string>();
    const taken = new Set(byPlace.keys());
    for (const group of byPlace.values()) {
      if (group.length === 1) continue;
      const [, ...others] = group.sort((a, b) => this.#rank(b) - this.#rank(a) || b.change_seq - a.change_seq);
      for (const other of others) {
        let key = `${normal(other.key)} (${other.id})`;
        while (taken.has(this.#placeOf(other, key))) key += "'";
        taken.add(this.#placeOf(other, key));
        renamed.set(other.row, key);
      }
    }
    return renamed;
  }

  #placeOf({ label_set, owner }: Pick<Keyed, 'label_set' | 'owner'>, key: string): string {
    return JSON.stringify([this.#labelSets.numbers.get(label_set), this.#actors.numbers.get(owner), key]);
  }

  /** A damaged memory does not take the key from an intact one. */
  #rank({ row }: Keyed): number {
    return Number(this.#before.isIntact(memoryRowOf(this.#read.get({ row }) as StoredMemoryRow)));
  }

  /**
   * Writes out the revisions that keep only the columns which the next revision changed, where names in them or in a later revision are
   * converted. The others would no longer match their checksums. Damaged revisions stay as they are.
   */
  #completeRevisions(converted: ReadonlySet<number>): void {
    const rows = new Set<number>();
    for (const { row, record: json } of this.#revisions()) {
      if (!isPartial(json)) continue;
      const changed = parsed<{ changed: MemoryRow }>(json)?.changed;
      if (converted.has(row) || json !== normal(json) || (changed && this.#isRenumbered(changed))) rows.add(row);
    }
    const ofRow = this.#database.prepare<[number], Tables['revisions']>(
      'select * from revisions where row = ? order by revision desc',
    );
    for (const row of rows) {
      const latest = this.#read.get({ row });
      let next = latest && memoryRowOf(latest);
      for (const line of ofRow.all(row)) {
        next = decodeRevision(line, next);
        if (next === undefined || !isPartial(line.record) || !this.#before.isIntact(next)) continue;
        this.#updateRevision.run({ ...line, record: JSON.stringify(next) });
      }
    }
  }

  #revisions(): Generator<Tables['revisions']> {
    const revisions = this.#database.prepare<[number, number], Tables['revisions']>(
      'select * from revisions where row > ? and row <= ?',
    );
    return intactRows(this.#database, (after, to) => revisions.all(after, to));
  }

  #convertRevisions(): void {
    const isRenumbered = this.#labelSets.changed.size + this.#actors.changed.size > 0;
    for (const each of this.#revisions()) {
      const { record: json } = each;
      const record = isRenumbered || json !== normal(json) ? decodeRevision(each, undefined) : undefined;
      if (record === undefined || !(this.#isRenumbered(record) || !areNormal(record))) continue;
      this.#updateRevision.run({ ...each, record: JSON.stringify(this.#converted(record)) });
    }
  }

  #isRenumbered({ label_set, owner, author }: Numbers): boolean {
    const { changed } = this.#actors;
    return this.#labelSets.changed.has(label_set) || changed.has(author) || changed.has(owner);
  }

  /** Converts a record. A damaged record keeps its checksum, so that it remains damaged. */
  #converted(record: MemoryRow, key = normal(record.key)): MemoryRow {
    const { user_id, session_id, tags, label_set, owner, author } = record;
    const converted = {
      ...record,
      key,
      user_id: normal(user_id),
      session_id: normal(session_id),
      tags: normalTags(tags),
      label_set: this.#labelSets.numbers.get(label_set) ?? label_set,
      owner: this.#actors.numbers.get(owner) ?? owner,
      author: this.#actors.numbers.get(author) ?? author,
    };
    return this.#before.isIntact(record) ? this.#after.addChecksum(converted) : converted;
  }

  /** Converts what was forgotten under a legal hold. Each of its revisions is whole. */
  #convertWithheld(): void {
    const all = this.#database.prepare('select * from withheld').all() as Tables['withheld'][];
    const update = this.#database.prepare('update withheld set record = ? where row = ? and revision = ?');
    for (const { row, revision, record: json } of all) {
      const record = parsed<MemoryRow>(json);
      if (record === undefined || !(this.#isRenumbered(record) || !areNormal(record))) continue;
      update.run(JSON.stringify(this.#converted(record)), row, revision);
    }
  }

  /** Renumbers who has changed and who has endorsed memories. Otherwise ceilings for the new name would not count. */
  #renumberTrusted(): void {
    const numberOf = (actor: number) => this.#actors.numbers.get(actor) ?? actor;
    const authorOf = this.#database.prepare<[number], number>('select author from memories where row = ?').pluck();
    // A damaged line has the actor 0, and stays damaged.
    for (const { row, actor } of this.#contributions) {
      if (!this.#actors.changed.has(actor)) continue;
      this.#contributors.delete(row, actor);
      if (numberOf(actor) !== authorOf.get(row)) this.#contributors.insert({ row, actor: numberOf(actor) });
    }
    // Of two endorsements by one principal, the lower one stays.
    for (const each of [...this.#endorsed].sort((a, b) => b.trust - a.trust)) {
      if (!this.#actors.changed.has(each.actor)) continue;
      this.#endorsements.delete(each);
      this.#endorsements.put({ ...each, actor: numberOf(each.actor) });
    }
  }

  /** Renumbers the lines of the change feed, of incidents and of idempotent calls. */
  #renumberLines(): void {
    const database = this.#database;
    this.#renumberTrusted();
    this.#incidents.renumberAuthors((author) => this.#actors.numbers.get(author) ?? author);
    const options = { deterministic: true };
    database.function('new_label_set', options, (id) => this.#labelSets.numbers.get(id as number) ?? id);
    database.function('new_actor', options, (id) => this.#actors.numbers.get(id as number) ?? id);
    database.exec(
      'update changes set label_set = new_label_set(label_set), owner = new_actor(owner), by = new_actor(by)',
    );
    const calls = database.prepare('select * from idempotency order by id desc').all() as Tables['idempotency'][];
    database.exec('delete from idempotency');
    // If two merged principals have used the same key, a repeated call gets the result of the later one.
    const insert = database.prepare(
      'insert or ignore into idempotency values (@author, @key, @digest, @id, @revision)',
    );
    for (const call of calls) insert.run({ ...call, author: this.#actors.numbers.get(call.author) ?? call.author });
  }

  #convertFormerSubjects(): void {
    const all = this.#database.prepare('select * from former_subjects').all() as Tables['former_subjects'][];
    const drop = this.#database.prepare('delete from former_subjects where user_id = @user_id and row = @row');
    const insert = this.#database.prepare('insert or ignore into former_subjects values (@user_id, @row)');
    for (const line of all) {
      const user_id = normalName(line.user_id);
      if (user_id === line.user_id) continue;
      drop.run(line);
      insert.run({ ...line, user_id });
    }
  }
}

/** A column of a damaged record may have any type. */
function normal<T>(value: T): T {
  return typeof value === 'string' ? (normalName(value) as T) : value;
}

function areNormal({ key, user_id, session_id, tags }: Names): boolean {
  return [key, user_id, session_id, tags].every((each) => each === normal(each));
}

/** The JSON of a list of names in normal form, without repeats. Damaged JSON stays as it is. */
function normalTags(json: string): string {
  if (json === normal(json)) return json;
  const tags = parsed<readonly string[]>(json);
  return Array.isArray(tags) ? JSON.stringify([...new Set(tags.map(normal))]) : json;
}

function parsed<T>(json: string): T | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
