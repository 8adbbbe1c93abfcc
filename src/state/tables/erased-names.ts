import type { Database } from 'better-sqlite3';
import type { Pseudonyms } from '../../audit/audit-log';
import type { Namespace } from '../../domain/namespace';
import type { ChangeQueries } from '../queries/change-queries';
import type { MemoryQueries } from '../queries/memory-queries';
import type { Interning, RenamedNames } from './interning';
import type { MemoryRow, RowChecksum } from './memory-row';
import { aliasOf } from './name-rows';
import { storeKeyOf } from './store-key';
import type { StoreMeta } from './store-meta';

interface Deps {
  readonly meta: StoreMeta;
  readonly interning: Interning;
  readonly rowChecksum: RowChecksum;
  readonly records: MemoryQueries;
  readonly changes: ChangeQueries;
  readonly auditLog: { readonly names: Pseudonyms };
}

/** Which names of the audit are erased. */
export interface ErasedAuditNames {
  isUser(userId: string): boolean;
  hasName(namespace: Namespace): boolean;
}

/** Finds and deletes what names somebody outside of memories. Only `apply` uses it, inside its transaction. */
export class NameTables {
  readonly #database: Database;
  readonly #deps: Deps;

  constructor(database: Database, deps: Deps) {
    this.#database = database;
    this.#deps = deps;
  }

  /** Those of some label sets that memories have, apart from forgotten ones. */
  labelSetsInUse(labelSets: readonly number[]): ReadonlySet<number> {
    if (labelSets.length === 0) return new Set();
    const sql =
      "select distinct label_set from memories where state <> 'forgotten' and label_set in (select value from json_each(?))";
    return new Set(this.#rows(sql, labelSets));
  }

  /** The memories that an actor has written or owns, apart from forgotten ones. */
  rowsByActor(actor: number): number[] {
    return this.#rows("select row from memories where state <> 'forgotten' and ? in (author, owner)", actor);
  }

  /** The memories that had one of some label sets in an earlier revision. */
  rowsOnceLabelled(labelSets: readonly number[]): number[] {
    if (labelSets.length === 0) return [];
    const sql = `
      select distinct row from revisions where json_valid(record) and
        coalesce(json_extract(record, '$.label_set'), json_extract(record, '$.changed.label_set'))
          in (select value from json_each(?)) order by row`;
    return this.#rows(sql, labelSets);
  }

  /** Deletes the idempotent calls of actors. */
  deleteIdempotency(actors: readonly number[]): void {
    this.#run('delete from idempotency where author in (select value from json_each(?))', actors);
  }

  deleteFormerSubjects(isErased: (userId: string) => boolean): void {
    const users = this.#database.prepare('select distinct user_id from former_subjects').pluck().all() as string[];
    const erased = users.filter(isErased);
    if (erased.length > 0)
      this.#run('delete from former_subjects where user_id in (select value from json_each(?))', erased);
  }

  /** Deletes the names behind pseudonyms of the chain of changes. The chain itself contains no name, and does not change. */
  deleteAuditNames({ isUser, hasName }: ErasedAuditNames): void {
    this.#deps.auditLog.names.erase((named) =>
      'namespace' in named ? hasName(named.namespace) : isUser(named.userId),
    );
  }

  /**
   * Changes names. The checksums of records from earlier releases cover the names themselves: such records get checksums that cover only the
   * aliases before.
   */
  reseal(renamed: RenamedNames, rename: () => void): void {
    for (const record of this.#recordsWithNames(renamed)) {
      const { row, revision } = record;
      for (let earlier = revision - 1; record.state !== 'forgotten' && earlier > 0; earlier--) {
        const found = this.#deps.changes.revision(row, earlier);
        if (found === undefined) continue;
        const json = JSON.stringify(this.#deps.rowChecksum.addChecksum({ ...found }));
        this.#database
          .prepare('update revisions set record = ? where row = ? and revision = ?')
          .run(json, row, earlier);
      }
      const { checksum } = this.#deps.rowChecksum.addChecksum({ ...record });
      this.#database.prepare('update memories set checksum = ? where row = ?').run(checksum, row);
    }
    rename();
  }

  /** The intact records that earlier releases may have written with one of the names. None in a store that is younger than that. */
  *#recordsWithNames({ actors, namespaces, labelSets }: RenamedNames): Generator<MemoryRow> {
    const { interning, records } = this.#deps;
    const storeKey = storeKeyOf({ meta: this.#deps.meta, database: this.#database }) ?? new Uint8Array();
    // `sealNames` made the aliases of the names that it found with the secret of the store.
    const isOld = (table: 'actors' | 'namespaces' | 'label_sets') => {
      const alias = this.#database.prepare(`select alias from ${table} where id = ?`).pluck();
      return ({ id }: { readonly id: number }) => alias.get(id) === aliasOf(storeKey, { table, id });
    };
    const isRenamed = [
      actors.some(isOld('actors')),
      namespaces.some(isOld('namespaces')),
      labelSets.some(isOld('label_sets')),
    ].includes(true);
    if (!isRenamed) return;
    const within = interning
      .labelSets()
      .filter(({ namespaceId }) => namespaces.some(({ id }) => interning.isWithin(namespaceId, id)))
      .map(({ id }) => id);
    const labels = [...within, ...labelSets.map(({ id }) => id)];
    const numbers = JSON.stringify(actors.map(({ id }) => id));
    const rows = new Set(
      this.#database
        .prepare(
          `select row from memories where author in (select value from json_each(@numbers)) or owner in (select value from json_each(@numbers))
          or label_set in (select value from json_each(@labels)) order by row`,
        )
        .pluck()
        .all({ numbers, labels: JSON.stringify(labels) }) as number[],
    );
    for (const row of this.rowsOnceLabelled(labels)) rows.add(row);
    for (const row of rows) {
      const record = records.tombstoneOrRecordOfRow(row);
      if (record !== undefined) yield record;
    }
  }

  #rows(sql: string, value: number | readonly number[]): number[] {
    const bound = typeof value === 'number' ? value : JSON.stringify(value);
    return this.#database.prepare(sql).pluck().all(bound) as number[];
  }

  #run(sql: string, values: readonly (number | string)[]): void {
    this.#database.prepare(sql).run(JSON.stringify(values));
  }
}
