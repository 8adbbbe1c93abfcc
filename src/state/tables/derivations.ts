import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { prepare, translated } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import { queries, type Tables } from './schema';

type Line = Tables['derivations'];

/** How a memory was made from another one. */
export type DerivationKind = Line['kind'];

/** One source of a memory. Both are rows of `memories`. */
export type Derivation = Pick<Line, 'row' | 'source' | 'kind'>;

/** Records which memories were made from which. The trust of a memory is never higher than that of its sources. */
export class Derivations {
  readonly #checksum: Checksum;
  readonly #statements;
  /** Undefined if it is not known. Most stores have none, and then no read has to look. */
  #isEmpty: boolean | undefined;

  constructor(database: Database, checksum: Checksum) {
    this.#checksum = checksum;
    this.#statements = prepareAll(database);
  }

  get isEmpty(): boolean {
    this.#isEmpty ??= translated(() => this.#statements.any.get({})) === undefined;
    return this.#isEmpty;
  }

  /** Forgets whether there are any, because another process may have written. */
  reload(): void {
    this.#isEmpty = undefined;
  }

  /** Adds a source to a memory. Does nothing if the memory has it already. */
  insert({ row, source, kind }: Derivation): void {
    this.#isEmpty = false;
    this.#statements.insert.run({ row, source, kind, checksum: this.#checksumOf({ row, source, kind }) });
  }

  /**
   * The sources of a memory, in the order of their rows.
   *
   * @throws RECORD_DAMAGED
   */
  ofRow(row: number): Derivation[] {
    return this.isEmpty ? [] : this.#checked(this.#statements.ofRow.all({ row }));
  }

  /**
   * The memories that were made from one, in the order of their rows. Only those that were made from it directly.
   *
   * @throws RECORD_DAMAGED
   */
  bySource(source: number): Derivation[] {
    return this.isEmpty ? [] : this.#checked(this.#statements.bySource.all({ source }));
  }

  /** Every row and its source, for a pass over all of them. Lines that do not match their checksum have the source 0, which is no row. */
  *all(): Generator<Derivation> {
    if (this.isEmpty) return;
    for (const line of this.#statements.all.all({})) {
      yield line.checksum === this.#checksumOf(line) ? line : { ...line, source: 0 };
    }
  }

  /** Deletes one source of a memory. */
  delete({ row, source }: Pick<Derivation, 'row' | 'source'>): void {
    this.#statements.delete.run({ row, source });
  }

  /**
   * Updates what a forgotten memory was made from. If something was made from it in turn, the lines stay, so that forgetting a step between
   * never raises trust. They are then of the kind 'derived', because a forgotten memory is no fact any more.
   */
  sourceForgotten(row: number): void {
    const lines = this.bySource(row).length === 0 ? [] : this.ofRow(row);
    this.deleteOfRow(row);
    for (const { source } of lines) this.insert({ row, source, kind: 'derived' });
  }

  /** Deletes what a memory was made from. What was made from that memory is then no longer bound by those sources. */
  deleteOfRow(row: number): void {
    if (!this.isEmpty) this.#statements.deleteOfRow.run({ row });
  }

  /** The rows after `after` up to `to` with a line that does not match its checksum. */
  damagedRows(after: number, to: number): number[] {
    const damagedLines = translated(() => this.#statements.inRange.all({ after, to })).filter(
      (line) => !(line.checksum === this.#checksumOf(line)),
    );
    return [...new Set(damagedLines.map(({ row }) => row))];
  }

  #checked(lines: readonly Line[]): Derivation[] {
    for (const line of lines) if (line.checksum !== this.#checksumOf(line)) throw damaged(line);
    return lines.map(({ row, source, kind }) => ({ row, source, kind }));
  }

  #checksumOf({ row, source, kind }: Derivation): number {
    return this.#checksum.ofBytes(Buffer.from(JSON.stringify(['derivation', row, source, kind])));
  }
}

function prepareAll(database: Database) {
  return {
    any: prepare<object, { row: number }>(database, () => queries.selectFrom('derivations').select('row').limit(1)),
    insert: prepare<Line, unknown>(database, (p) =>
      queries
        .insertInto('derivations')
        .values({ row: p('row'), source: p('source'), kind: p('kind'), checksum: p('checksum') })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    ofRow: prepare<{ row: number }, Line>(database, (p) =>
      queries.selectFrom('derivations').selectAll().where('row', '=', p('row')).orderBy('source'),
    ),
    bySource: prepare<{ source: number }, Line>(database, (p) =>
      queries.selectFrom('derivations').selectAll().where('source', '=', p('source')).orderBy('row'),
    ),
    inRange: prepare<{ after: number; to: number }, Line>(database, (p) =>
      queries.selectFrom('derivations').selectAll().where('row', '>', p('after')).where('row', '<=', p('to')),
    ),
    all: prepare<object, Line>(database, () => queries.selectFrom('derivations').selectAll()),
    delete: prepare<Pick<Line, 'row' | 'source'>, unknown>(database, (p) =>
      queries.deleteFrom('derivations').where('row', '=', p('row')).where('source', '=', p('source')),
    ),
    deleteOfRow: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('derivations').where('row', '=', p('row')),
    ),
  };
}

function damaged({ row }: Derivation): MemoryError {
  const message = `The database is damaged: what the memory of row ${row} was made from does not match its checksum. Restore the folder from a backup.`;
  return new MemoryError('RECORD_DAMAGED', message);
}
