import { hostname } from 'node:os';
import type { Database } from 'better-sqlite3';
import { prepare, queriesOver } from '../sqlite/sqlite';
import type { AuditTables } from './audit-database';

const queries = queriesOver<AuditTables>();
type Opening = AuditTables['audit_openings'];

// A process id is used again, in containers nearly always: of those with our own, only these are us.
const ours = new Set<string>();

/** The marks of those who have the file open. Who dies leaves its mark behind, and with it, perhaps, entries unwritten. */
export class UncleanShutdown {
  readonly #all;
  readonly #insert;
  readonly #delete;
  #id: string | undefined;

  constructor(database: Database) {
    this.#all = prepare<object, Opening>(database, () => queries.selectFrom('audit_openings').selectAll());
    this.#insert = prepare<Opening, unknown>(database, (p) =>
      queries
        .insertInto('audit_openings')
        .values({ id: p('id'), role: p('role'), pid: p('pid'), host: p('host'), durable: p('durable') }),
    );
    this.#delete = prepare<{ id: string }, unknown>(database, (p) =>
      queries.deleteFrom('audit_openings').where('id', '=', p('id')),
    );
  }

  /** Removes the marks of the dead, inside the caller's transaction. Answers whether any may have had entries unwritten. */
  bury(role: Opening['role']): boolean {
    const dead = this.#all.all({}).filter((opening) => !isAlive(opening, role));
    for (const { id } of dead) this.#delete.run({ id });
    return dead.some(({ durable }) => durable === 0);
  }

  mark({ id, role, durable }: { id: string; role: Opening['role']; durable: boolean }): void {
    this.#insert.run({ id, role, pid: process.pid, host: hostname(), durable: Number(durable) });
    this.#id = id;
    ours.add(id);
  }

  /** Says goodbye. */
  unmark(): void {
    if (this.#id === undefined) return;
    this.#delete.run({ id: this.#id });
    ours.delete(this.#id);
    this.#id = undefined;
  }
}

function isAlive({ id, role, pid, host }: Opening, opener: Opening['role']): boolean {
  if (ours.has(id)) return true;
  // A folder has one owner: who has just become it knows that the one before is gone.
  if ((role === 'owner' && opener === 'owner') || host !== hostname() || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
