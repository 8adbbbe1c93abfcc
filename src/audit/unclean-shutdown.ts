import { hostname } from 'node:os';
import type { Database } from 'better-sqlite3';
import { processWide } from '../environment/process-wide';
import { prepare, queriesOver } from '../sqlite/sqlite';
import type { AuditTables } from './audit-database';

/** 'writer': the writer process of the folder. 'reader': another process, which only reads. */
export type ProcessRole = 'writer' | 'reader';

const queries = queriesOver<AuditTables>();
type OpeningRow = AuditTables['audit_openings'];

// The database stores the role 'writer' as 'owner', its name in the first release.
const storedRoles: Readonly<Record<ProcessRole, OpeningRow['role']>> = { writer: 'owner', reader: 'reader' };

// The ids of the rows that this process inserted. The process id does not identify them: an earlier process may have had the same
// one, which is common in containers.
const ownIds = processWide('ids of open audits', () => new Set<string>());

/** Detects processes that died while they had the audit open. Such a process may have lost entries that it had not written yet. */
export class UncleanShutdown {
  readonly #all;
  readonly #insert;
  readonly #delete;
  #id: string | undefined;

  constructor(database: Database) {
    this.#all = prepare<object, OpeningRow>(database, () => queries.selectFrom('audit_openings').selectAll());
    this.#insert = prepare<OpeningRow, unknown>(database, (p) =>
      queries
        .insertInto('audit_openings')
        .values({ id: p('id'), role: p('role'), pid: p('pid'), host: p('host'), durable: p('durable') }),
    );
    this.#delete = prepare<{ id: string }, unknown>(database, (p) =>
      queries.deleteFrom('audit_openings').where('id', '=', p('id')),
    );
  }

  /** Removes the rows of dead processes, inside the caller's transaction. Returns whether any of them may have lost entries. */
  removeDead(role: ProcessRole): boolean {
    const dead = this.#all.all({}).filter((row) => !isAlive(row, role));
    for (const { id } of dead) this.#delete.run({ id });
    return dead.some(({ durable }) => durable === 0);
  }

  /** Adds a row for this process. */
  register({ id, role, durable }: { id: string; role: ProcessRole; durable: boolean }): void {
    this.#insert.run({ id, role: storedRoles[role], pid: process.pid, host: hostname(), durable: Number(durable) });
    this.#id = id;
    ownIds.add(id);
  }

  /** Removes the row of this process. Call it after all its entries were written. */
  unregister(): void {
    if (this.#id === undefined) return;
    this.#delete.run({ id: this.#id });
    ownIds.delete(this.#id);
    this.#id = undefined;
  }
}

function isAlive({ id, role, pid, host }: OpeningRow, openerRole: ProcessRole): boolean {
  if (ownIds.has(id)) return true;
  // A folder has only one writer process. If this process opens the folder as its writer, the earlier writer has exited.
  const isEarlierWriter = role === storedRoles.writer && openerRole === 'writer';
  if (isEarlierWriter || host !== hostname() || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
