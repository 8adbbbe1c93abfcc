import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { prepare, translated } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import type { ReadonlyInterning } from './interning';
import { queries, type Tables } from './schema';

type Line = Tables['contributors'];

/** An actor that changed a memory. */
export type Contribution = Pick<Line, 'row' | 'actor'>;

/** Records the actors that changed a memory without being its author. Its trust is never higher than the ceiling of any of them. */
export class Contributors {
  readonly #checksum: Checksum;
  readonly #interning: ReadonlyInterning;
  readonly #statements;
  /** Undefined if it is not known. */
  #isEmpty: boolean | undefined;

  constructor(database: Database, checksum: Checksum, interning: ReadonlyInterning) {
    this.#checksum = checksum;
    this.#interning = interning;
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

  /** Adds an actor to a memory. Does nothing if the memory has it already. */
  insert(contribution: Contribution): void {
    this.#isEmpty = false;
    this.#statements.insert.run({ ...contribution, checksum: this.#checksumOf(contribution) });
  }

  /** Removes an actor whose changes were undone. */
  delete(row: number, actor: number): void {
    if (!this.isEmpty) this.#statements.delete.run({ row, actor });
  }

  /** Removes all actors of a memory. */
  deleteOfRow(row: number): void {
    if (!this.isEmpty) this.#statements.deleteOfRow.run({ row });
  }

  /**
   * The actors that changed a memory, without its author.
   *
   * @throws RECORD_DAMAGED
   */
  ofRow(row: number): number[] {
    return this.isEmpty ? [] : this.#checked(this.#statements.ofRow.all({ row })).map(({ actor }) => actor);
  }

  /**
   * The memories that an actor changed without being their author, in the order of their rows.
   *
   * @throws RECORD_DAMAGED
   */
  byActor(actor: number): number[] {
    return this.isEmpty ? [] : this.#checked(this.#statements.byActor.all({ actor })).map(({ row }) => row);
  }

  /** Every line, for a pass over all of them. Lines that do not match their checksum have the actor 0, which is no actor. */
  *all(): Generator<Contribution> {
    if (this.isEmpty) return;
    for (const line of this.#statements.all.all({})) {
      yield line.checksum === this.#checksumOf(line) ? line : { ...line, actor: 0 };
    }
  }

  /** The rows after `after` up to `to` with a line that does not match its checksum. */
  damagedRows(after: number, to: number): number[] {
    const damagedLines = translated(() => this.#statements.inRange.all({ after, to })).filter(
      (line) => !this.#isIntact(line),
    );
    return [...new Set(damagedLines.map(({ row }) => row))];
  }

  #checked(lines: readonly Line[]): readonly Line[] {
    for (const line of lines) if (!this.#isIntact(line)) throw damaged(line);
    return lines;
  }

  #isIntact(line: Line): boolean {
    // A damaged name is noticed, too: otherwise a flipped bit in it would let another ceiling count.
    return this.#interning.isActorIntact(line.actor) && line.checksum === this.#checksumOf(line);
  }

  #checksumOf({ row, actor }: Contribution): number {
    const alias = this.#interning.aliasOfActor(actor) ?? null;
    return this.#checksum.ofBytes(Buffer.from(JSON.stringify(['contributor', row, actor, alias])));
  }
}

function prepareAll(database: Database) {
  return {
    any: prepare<object, { row: number }>(database, () => queries.selectFrom('contributors').select('row').limit(1)),
    insert: prepare<Line, unknown>(database, (p) =>
      queries
        .insertInto('contributors')
        .values({ row: p('row'), actor: p('actor'), checksum: p('checksum') })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    delete: prepare<Contribution, unknown>(database, (p) =>
      queries.deleteFrom('contributors').where('row', '=', p('row')).where('actor', '=', p('actor')),
    ),
    deleteOfRow: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('contributors').where('row', '=', p('row')),
    ),
    ofRow: prepare<{ row: number }, Line>(database, (p) =>
      queries.selectFrom('contributors').selectAll().where('row', '=', p('row')).orderBy('actor'),
    ),
    inRange: prepare<{ after: number; to: number }, Line>(database, (p) =>
      queries.selectFrom('contributors').selectAll().where('row', '>', p('after')).where('row', '<=', p('to')),
    ),
    all: prepare<object, Line>(database, () => queries.selectFrom('contributors').selectAll()),
    byActor: prepare<{ actor: number }, Line>(database, (p) =>
      queries.selectFrom('contributors').selectAll().where('actor', '=', p('actor')).orderBy('row'),
    ),
  };
}

function damaged({ row }: Contribution): MemoryError {
  const message = `The database is damaged: who changed the memory of row ${row} does not match its checksum. Restore the folder from a backup.`;
  return new MemoryError('RECORD_DAMAGED', message);
}
