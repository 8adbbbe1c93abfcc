import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { prepare, translated } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import type { ReadonlyInterning } from './interning';
import { queries, type Tables } from './schema';

type Line = Tables['endorsements'];

/** What a principal has stated about the content of a memory. */
export type Endorsement = Omit<Line, 'checksum'>;

/**
 * Records which principals vouch for the content of which memories. An endorsement counts from the revision that it made, and ends with
 * the next change of the content.
 */
export class Endorsements {
  readonly #checksum: Checksum;
  readonly #interning: ReadonlyInterning;
  readonly #statements;
  /** Undefined if it is not known. Most stores have none, and then no read has to look. */
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

  /** Adds an endorsement. It replaces an earlier one of this memory by the same actor. */
  put(endorsement: Endorsement): void {
    this.#isEmpty = false;
    this.#statements.put.run({ ...endorsement, checksum: this.#checksumOf(endorsement) });
  }

  /** Ends all endorsements of a memory. */
  deleteOfRow(row: number): void {
    if (!this.isEmpty) this.#statements.deleteOfRow.run({ row });
  }

  /** Ends one endorsement. */
  delete({ row, actor }: Pick<Endorsement, 'row' | 'actor'>): void {
    this.#statements.delete.run({ row, actor });
  }

  /**
   * The endorsements of a memory, in the order of their actors.
   *
   * @throws RECORD_DAMAGED
   */
  ofRow(row: number): Endorsement[] {
    return this.isEmpty ? [] : this.#checked(this.#statements.ofRow.all({ row }));
  }

  /**
   * The endorsements by an actor, in the order of their rows.
   *
   * @throws RECORD_DAMAGED
   */
  byActor(actor: number): Endorsement[] {
    return this.isEmpty ? [] : this.#checked(this.#statements.byActor.all({ actor }));
  }

  /** Every line that matches its checksum, for a pass over all of them. A damaged one raises nothing. */
  *all(): Generator<Endorsement> {
    if (this.isEmpty) return;
    for (const line of this.#statements.all.all({})) if (this.#isIntact(line)) yield line;
  }

  /** The rows after `after` up to `to` with a line that does not match its checksum. */
  damagedRows(after: number, to: number): number[] {
    const damagedLines = translated(() => this.#statements.inRange.all({ after, to })).filter(
      (line) => !this.#isIntact(line),
    );
    return [...new Set(damagedLines.map(({ row }) => row))];
  }

  #checked(lines: readonly Line[]): Endorsement[] {
    for (const line of lines) if (!this.#isIntact(line)) throw damaged(line);
    return [...lines];
  }

  #isIntact(line: Line): boolean {
    // A damaged name is noticed, too: otherwise a flipped bit in it would let another ceiling count.
    return this.#interning.isActorIntact(line.actor) && line.checksum === this.#checksumOf(line);
  }

  #checksumOf({ row, actor, trust, revision, at }: Endorsement): number {
    const alias = this.#interning.aliasOfActor(actor) ?? null;
    return this.#checksum.ofBytes(Buffer.from(JSON.stringify(['endorsement', row, actor, alias, trust, revision, at])));
  }
}

/** Checks whether an endorsement counts for a memory as it was at a revision. */
export function countsAt({ revision }: Pick<Endorsement, 'revision'>, at: { readonly revision: number }): boolean {
  return revision <= at.revision;
}

function prepareAll(database: Database) {
  return {
    any: prepare<object, { row: number }>(database, () => queries.selectFrom('endorsements').select('row').limit(1)),
    put: prepare<Line, unknown>(database, (p) =>
      queries.replaceInto('endorsements').values({
        row: p('row'),
        actor: p('actor'),
        trust: p('trust'),
        revision: p('revision'),
        at: p('at'),
        checksum: p('checksum'),
      }),
    ),
    deleteOfRow: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('endorsements').where('row', '=', p('row')),
    ),
    delete: prepare<Pick<Line, 'row' | 'actor'>, unknown>(database, (p) =>
      queries.deleteFrom('endorsements').where('row', '=', p('row')).where('actor', '=', p('actor')),
    ),
    ofRow: prepare<{ row: number }, Line>(database, (p) =>
      queries.selectFrom('endorsements').selectAll().where('row', '=', p('row')).orderBy('actor'),
    ),
    byActor: prepare<{ actor: number }, Line>(database, (p) =>
      queries.selectFrom('endorsements').selectAll().where('actor', '=', p('actor')).orderBy('row'),
    ),
    inRange: prepare<{ after: number; to: number }, Line>(database, (p) =>
      queries.selectFrom('endorsements').selectAll().where('row', '>', p('after')).where('row', '<=', p('to')),
    ),
    all: prepare<object, Line>(database, () => queries.selectFrom('endorsements').selectAll()),
  };
}

function damaged({ row }: Pick<Line, 'row'>): MemoryError {
  const message = `The database is damaged: an endorsement of the memory of row ${row} does not match its checksum. Restore the folder from a backup.`;
  return new MemoryError('RECORD_DAMAGED', message);
}
