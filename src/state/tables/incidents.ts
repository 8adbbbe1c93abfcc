import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import type { ContainmentReason } from '../../domain/incident';
import { prepare } from '../../sqlite/sqlite';
import type { Checksum } from './checksum';
import { queries, type Tables } from './schema';

/** A line of the table `incidents`. */
export type IncidentRow = Omit<Tables['incidents'], 'checksum'>;

/** A line of the table `contained`. */
export type ContainedRow = Omit<Tables['contained'], 'checksum'>;

/** Why the table `contained` has a line: why a memory is held, or 'returned' for a source that stands in the place of a held fact again. */
export type ContainedReason = ContainmentReason | 'returned';

/** Records which memories were contained together, and which state each of them had before. */
export class Incidents {
  readonly #checksum: Checksum;
  readonly #statements;

  constructor(database: Database, checksum: Checksum) {
    this.#checksum = checksum;
    this.#statements = prepareAll(database);
  }

  /** Adds an incident, or changes one. */
  put(incident: IncidentRow): void {
    this.#statements.put.run({ ...incident, checksum: this.#ofIncident(incident) });
  }

  /** @throws RECORD_DAMAGED */
  byId(id: string): IncidentRow | undefined {
    const found = this.#statements.byId.get({ id });
    return found && this.#checkedIncident(found);
  }

  /**
   * All incidents, the oldest first.
   *
   * @throws RECORD_DAMAGED
   */
  all(): IncidentRow[] {
    return this.#statements.all.all({}).map((each) => this.#checkedIncident(each));
  }

  /** Gives authors other numbers. Damaged lines stay as they are. */
  renumberAuthors(numberOf: (author: number) => number): void {
    for (const { checksum, ...incident } of this.#statements.all.all({})) {
      if (checksum !== this.#ofIncident(incident)) continue;
      const authors = [...new Set((JSON.parse(incident.authors) as number[]).map(numberOf))];
      this.put({ ...incident, authors: JSON.stringify(authors) });
    }
  }

  hold(line: ContainedRow): void {
    this.#statements.hold.run({ ...line, checksum: this.#ofContained(line) });
  }

  letGo({ incident, row }: Pick<ContainedRow, 'incident' | 'row'>): void {
    this.#statements.letGo.run({ incident, row });
  }

  /**
   * The lines of an incident, in the order of their rows.
   *
   * @throws RECORD_DAMAGED
   */
  ofIncident(incident: number): ContainedRow[] {
    return this.#statements.ofIncident.all({ incident }).map((each) => this.#checkedContained(each));
  }

  /**
   * The lines of all incidents about a row, the oldest incident first.
   *
   * @throws RECORD_DAMAGED
   */
  ofRow(row: number): ContainedRow[] {
    return this.#statements.ofRow.all({ row }).map((each) => this.#checkedContained(each));
  }

  #checkedIncident({ checksum, ...incident }: Tables['incidents']): IncidentRow {
    if (checksum !== this.#ofIncident(incident)) throw damaged(`the incident ${incident.id}`);
    return incident;
  }

  #checkedContained({ checksum, ...line }: Tables['contained']): ContainedRow {
    if (checksum !== this.#ofContained(line)) throw damaged(`what incident number ${line.incident} holds`);
    return line;
  }

  #ofIncident({ number, id, at, authors, since, ended, reason }: IncidentRow): number {
    return this.#checksumOf(['incident', number, id, at, authors, since, ended, reason]);
  }

  #ofContained({ incident, row, state, reason, revision }: ContainedRow): number {
    return this.#checksumOf(['contained', incident, row, state, reason, revision]);
  }

  #checksumOf(values: readonly unknown[]): number {
    return this.#checksum.ofBytes(Buffer.from(JSON.stringify(values)));
  }
}

function prepareAll(database: Database) {
  return {
    put: prepare<Tables['incidents'], unknown>(database, (p) =>
      queries.replaceInto('incidents').values({
        number: p('number'),
        id: p('id'),
        at: p('at'),
        authors: p('authors'),
        since: p('since'),
        ended: p('ended'),
        reason: p('reason'),
        checksum: p('checksum'),
      }),
    ),
    byId: prepare<{ id: string }, Tables['incidents']>(database, (p) =>
      queries.selectFrom('incidents').selectAll().where('id', '=', p('id')),
    ),
    all: prepare<object, Tables['incidents']>(database, () =>
      queries.selectFrom('incidents').selectAll().orderBy('number'),
    ),
    hold: prepare<Tables['contained'], unknown>(database, (p) =>
      queries.replaceInto('contained').values({
        incident: p('incident'),
        row: p('row'),
        state: p('state'),
        reason: p('reason'),
        revision: p('revision'),
        checksum: p('checksum'),
      }),
    ),
    letGo: prepare<{ incident: number; row: number }, unknown>(database, (p) =>
      queries.deleteFrom('contained').where('incident', '=', p('incident')).where('row', '=', p('row')),
    ),
    ofIncident: prepare<{ incident: number }, Tables['contained']>(database, (p) =>
      queries.selectFrom('contained').selectAll().where('incident', '=', p('incident')).orderBy('row'),
    ),
    ofRow: prepare<{ row: number }, Tables['contained']>(database, (p) =>
      queries.selectFrom('contained').selectAll().where('row', '=', p('row')).orderBy('incident'),
    ),
  };
}

function damaged(what: string): MemoryError {
  const message = `The database is damaged: ${what} does not match its checksum. Restore the folder from a backup.`;
  return new MemoryError('RECORD_DAMAGED', message);
}
