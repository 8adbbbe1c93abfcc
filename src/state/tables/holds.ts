import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import type { StoredHold } from '../../domain/hold';
import { prepare, translated } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import type { SubjectNames } from './erased-subject';
import { damaged, type MemoryRow, type RowChecksum } from './memory-row';
import { queries, type Tables } from './schema';

type Row = Tables['holds'];

/**
 * The legal holds, and the memories that were forgotten under one. Such a memory has a tombstone like every forgotten memory. Its revisions
 * are in a table of their own, which no ordinary read uses, so that it looks like forgotten everywhere.
 */
export class Holds {
  readonly #checksum: Checksum;
  readonly #rowChecksum: RowChecksum;
  readonly #statements;
  #inForce: readonly StoredHold[] | undefined;

  constructor(database: Database, checksum: Checksum, rowChecksum: RowChecksum) {
    this.#checksum = checksum;
    this.#rowChecksum = rowChecksum;
    this.#statements = prepareAll(database);
  }

  /**
   * The holds in force, in the order of their ids.
   *
   * @throws RECORD_DAMAGED
   */
  get inForce(): readonly StoredHold[] {
    this.#inForce ??= translated(() => this.#statements.inForce.all({})).map((row) => this.#holdOf(row));
    return this.#inForce;
  }

  /** Forgets what is kept in RAM, because another process may have written, or a transaction was rolled back. */
  reload(): void {
    this.#inForce = undefined;
  }

  /** Checks whether a hold has, or ever had, this id. */
  isTaken(id: string): boolean {
    return this.#statements.byId.get({ id }) !== undefined;
  }

  add({ id, matter, scope, since }: StoredHold): void {
    const row = { id, matter, selection: JSON.stringify(scope), since, until: null };
    this.#statements.putHold.run({ ...row, checksum: this.#checksumOf(row) });
    this.#inForce = undefined;
  }

  /** Ends a hold, if it is in force. */
  end(id: string, at: number): void {
    const found = this.inForce.find((hold) => hold.id === id);
    if (found === undefined) return;
    const row = { id, matter: found.matter, selection: JSON.stringify(found.scope), since: found.since, until: at };
    this.#statements.putHold.run({ ...row, checksum: this.#checksumOf(row) });
    this.#inForce = undefined;
  }

  /**
   * Removes the name of a subject from the holds that have ended, with what they were for.
   *
   * @returns true if a hold in force names the subject
   */
  eraseSubject(names: SubjectNames): boolean {
    let isInForce = false;
    for (const row of this.#statements.all.all({})) {
      const { userId, namespace } = this.#holdOf(row).scope;
      const isNamed =
        (userId !== undefined && names.isUser(userId)) || (namespace !== undefined && names.isWithin(namespace));
      if (isNamed && row.until === null) isInForce = true;
      if (!isNamed || row.until === null) continue;
      const bare = { ...row, matter: '', selection: '{}' };
      this.#statements.putHold.run({ ...bare, checksum: this.#checksumOf(bare) });
    }
    return isInForce;
  }

  /**
   * Keeps all revisions of a memory that is forgotten now. Their new checksums cover no names, so that names can be erased later. Damaged
   * revisions are kept as they are.
   */
  withhold(record: MemoryRow, earlier: readonly MemoryRow[]): void {
    this.#statements.copy.run({ row: record.row });
    for (const each of [...earlier, record]) {
      const content = JSON.stringify(this.#rowChecksum.addChecksum({ ...each }));
      this.#statements.put.run({ row: each.row, revision: each.revision, record: content });
    }
  }

  /** Checks whether a forgotten memory is kept for a hold. */
  isWithheld(row: number): boolean {
    return this.#statements.isWithheld.get({ row }) !== undefined;
  }

  /** The rows of withheld memories after a row, in ascending order. */
  withheldRows(after: number, limit: number): number[] {
    return translated(() => this.#statements.rows.all({ after, limit })).map(({ row }) => row);
  }

  /**
   * The revisions of a withheld memory, oldest first.
   *
   * @throws RECORD_DAMAGED
   */
  revisionsOf(row: number): MemoryRow[] {
    return translated(() => this.#statements.ofRow.all({ row })).map(({ revision, record }) => {
      const parsed = parsedRow(record);
      if (parsed?.row !== row || parsed.revision !== revision || !this.#rowChecksum.isIntact(parsed))
        throw damaged(`${parsed?.id ?? ''} (revision ${revision}, withheld)`);
      return parsed;
    });
  }

  /** Deletes the revisions of a memory that no hold concerns any more. */
  drop(row: number): void {
    this.#statements.drop.run({ row });
  }

  #holdOf(row: Row): StoredHold {
    if (row.checksum !== this.#checksumOf(row)) {
      const message = `The legal hold ${row.id} is damaged: it does not match its checksum. Restore the folder from a backup.`;
      throw new MemoryError('RECORD_DAMAGED', message);
    }
    return { id: row.id, matter: row.matter, scope: JSON.parse(row.selection), since: row.since };
  }

  #checksumOf({ id, matter, selection, since, until }: Omit<Row, 'checksum'>): string {
    return this.#checksum.ofText(JSON.stringify(['hold', id, matter, selection, since, until]));
  }
}

function parsedRow(json: string): MemoryRow | undefined {
  try {
    return JSON.parse(json) ?? undefined;
  } catch {
    return undefined;
  }
}

function prepareAll(database: Database) {
  return {
    inForce: prepare<object, Row>(database, () =>
      queries.selectFrom('holds').selectAll().where('until', 'is', null).orderBy('id'),
    ),
    all: prepare<object, Row>(database, () => queries.selectFrom('holds').selectAll().orderBy('id')),
    byId: prepare<{ id: string }, { id: string }>(database, (p) =>
      queries.selectFrom('holds').select('id').where('id', '=', p('id')),
    ),
    putHold: prepare<Row, unknown>(database, (p) =>
      queries.replaceInto('holds').values({
        id: p('id'),
        matter: p('matter'),
        selection: p('selection'),
        since: p('since'),
        until: p('until'),
        checksum: p('checksum'),
      }),
    ),
    copy: prepare<{ row: number }, unknown>(database, (p) =>
      queries
        .insertInto('withheld')
        .columns(['row', 'revision', 'record'])
        .expression(queries.selectFrom('revisions').select(['row', 'revision', 'record']).where('row', '=', p('row'))),
    ),
    put: prepare<Tables['withheld'], unknown>(database, (p) =>
      queries.replaceInto('withheld').values({ row: p('row'), revision: p('revision'), record: p('record') }),
    ),
    rows: prepare<{ after: number; limit: number }, { row: number }>(database, (p) =>
      queries
        .selectFrom('withheld')
        .select('row')
        .distinct()
        .where('row', '>', p('after'))
        .orderBy('row')
        .limit(p('limit')),
    ),
    ofRow: prepare<{ row: number }, Tables['withheld']>(database, (p) =>
      queries.selectFrom('withheld').selectAll().where('row', '=', p('row')).orderBy('revision'),
    ),
    isWithheld: prepare<{ row: number }, { row: number }>(database, (p) =>
      queries.selectFrom('withheld').select('row').where('row', '=', p('row')).limit(1),
    ),
    drop: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('withheld').where('row', '=', p('row')),
    ),
  };
}
