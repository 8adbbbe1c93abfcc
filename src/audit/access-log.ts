import type { Database } from 'better-sqlite3';
import { fromSqlite, translated } from '../sqlite/sqlite';
import { type AuditEvent, AuditLog, type Seed } from './audit-log';

/** Waiting entries are written once there are this many. */
const batchLength = 1_024;
/** On a full disk, reads succeed until this many entries wait. Then they fail, because they could not be recorded. */
const maxWaiting = 65_536;

export interface AccessLogDeps {
  readonly database: Database;
  /** Whether an answer waits until its entry is on disk. */
  readonly durable: boolean;
  readonly seed: Seed;
  /** A later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Called when an entry starts to wait and no other entry waits. */
  onWaiting(): void;
  /** Called after entries were written. */
  onWritten(): void;
  /** Called when waiting entries could not be written. They keep waiting. */
  onFailed(error: unknown): void;
}

/** Writes the 'access' chain, in batches. Other processes may append to the same file. */
export class AccessLog {
  readonly log: AuditLog;
  readonly #deps: AccessLogDeps;
  #waiting: AuditEvent[] = [];
  #commit: Promise<void> | undefined;

  constructor(deps: AccessLogDeps) {
    this.#deps = deps;
    this.log = new AuditLog(deps.database);
  }

  /** The commit that durable entries wait for. */
  get pendingCommit(): Promise<void> | undefined {
    return this.#commit;
  }

  /**
   * Records an event. If answers wait for their entries, resolves when the entry is on disk. Otherwise returns undefined, and the
   * entry is written with its batch.
   *
   * @throws DISK_FULL and other disk errors if too many entries wait
   */
  record(event: AuditEvent): Promise<void> | undefined {
    if (this.#waiting.length >= maxWaiting) this.flush();
    this.#waiting.push(event);
    if (this.#deps.durable) {
      this.#commit ??= this.#deps.nextTurn().then(() => this.#commitWaiting());
      // The caller handles the rejection. If it does not wait, it has returned no answer that needs an entry.
      this.#commit.catch(() => undefined);
      return this.#commit;
    }
    if (this.#waiting.length === 1) this.#deps.onWaiting();
    if (this.#waiting.length % batchLength === 0) this.#tryFlush();
    return undefined;
  }

  /**
   * Writes the waiting entries. They are durable when it returns.
   *
   * @throws DISK_FULL and other disk errors; the entries keep waiting
   */
  flush(): void {
    if (this.#waiting.length === 0) return;
    this.inTransaction(() => {
      for (const event of this.#waiting) this.log.append(event, this.#deps.seed);
    });
    this.#waiting = [];
    this.#deps.onWritten();
  }

  /** Runs a function in a transaction, on the chain with the entries of all processes. */
  inTransaction<T>(run: () => T): T {
    try {
      return translated(
        this.#deps.database.transaction(() => {
          this.log.chain.catchUp();
          return run();
        }).immediate,
      );
    } catch (error) {
      translated(() => this.log.reload());
      throw error;
    }
  }

  /** Drops the entries that cannot be written: their callers get the error in place of an answer. */
  #commitWaiting(): void {
    this.#commit = undefined;
    try {
      this.flush();
    } catch (error) {
      this.#waiting = [];
      throw fromSqlite(error);
    }
  }

  #tryFlush(): void {
    try {
      this.flush();
    } catch (error) {
      this.#deps.onFailed(error);
    }
  }
}
