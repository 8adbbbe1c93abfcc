import type { Database } from 'better-sqlite3';
import { whileBusy } from '../environment/while-busy';
import type { CommitSync } from '../sqlite/commit-sync';
import { fromSqlite, inTransaction, translated } from '../sqlite/sqlite';
import { type AuditEvent, AuditLog, type Seed } from './audit-log';

/** Entries wait in memory until this many wait. Then they are written together. */
const batchLength = 1_024;
/** On a full disk, reads succeed until this many entries wait. Then they fail, because they could not be recorded. */
const maxWaiting = 65_536;

export interface AccessLogDeps {
  readonly database: Database;
  /** If true, a call returns its answer only after its audit entry is on disk. */
  readonly durable: boolean;
  readonly seed: Seed;
  /** Syncs the commits that no answer waits for, in another thread. Undefined if every commit is on disk when it ends. */
  readonly sync: CommitSync | undefined;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Called when an entry starts to wait and no other entry is waiting. */
  onWaiting(): void;
  /** Called after entries were written. */
  onWritten(): void;
  /** Called when waiting entries could not be written. They keep waiting. */
  onFailed(error: unknown): void;
}

/** Writes the entries of the 'access' chain (reads, and rejected calls) in batches. Other processes may append to the same chain. */
export class AccessLog {
  readonly log: AuditLog;
  readonly #deps: AccessLogDeps;
  #waiting: AuditEvent[] = [];
  #commit: Promise<void> | undefined;

  constructor(deps: AccessLogDeps) {
    this.#deps = deps;
    this.log = new AuditLog(deps.database);
  }

  /** The planned commit of the waiting entries. Undefined if none is planned, or if answers do not wait for their entries. */
  get pendingCommit(): Promise<void> | undefined {
    return this.#commit;
  }

  /**
   * Records an event. If answers wait for their entries, the promise resolves when the entry is on disk. Otherwise returns
   * undefined, and the entry is written later, in a batch.
   *
   * @throws DISK_FULL and other disk errors if too many entries wait
   */
  record(event: AuditEvent): Promise<void> | undefined {
    if (this.#waiting.length >= maxWaiting) this.flush();
    this.#waiting.push(event);
    if (this.#deps.durable) {
      this.#commit ??= this.#deps.nextTurn().then(() => this.#commitWaiting());
      // A caller that waits for the commit gets its error. This handler only prevents an unhandled rejection if no caller waits.
      this.#commit.catch(() => undefined);
      return this.#commit;
    }
    if (this.#waiting.length === 1) this.#deps.onWaiting();
    if (this.#waiting.length % batchLength === 0) this.#tryFlush();
    return undefined;
  }

  /**
   * Writes the waiting entries. They are on disk when this method returns.
   *
   * @throws DISK_FULL and other disk errors; the entries keep waiting
   */
  flush(): void {
    const { sync } = this.#deps;
    sync?.assertIntact();
    this.#appendWaiting();
    // Some of the entries may have been written in the background just before.
    sync?.syncNow();
  }

  /**
   * Writes the waiting entries. They are on disk when the promise resolves, or now if it is undefined.
   *
   * @throws DISK_FULL and other disk errors; the entries keep waiting
   */
  flushInBackground(): Promise<void> | undefined {
    const { sync } = this.#deps;
    if (sync === undefined) this.#appendWaiting();
    else sync.commit(() => this.#appendWaiting());
    return sync?.synced();
  }

  /** Runs a function in a transaction, after reading the entries that other processes have appended. */
  inTransaction<T>(run: () => T): T {
    try {
      const caughtUp = () => {
        this.log.chain.catchUp();
        return run();
      };
      return translated(() => inTransaction(this.#deps.database, caughtUp, 'immediate'));
    } catch (error) {
      translated(() => this.log.reload());
      throw error;
    }
  }

  /** Writes the waiting entries. If that fails, drops them, and their callers get the error instead of an answer. */
  async #commitWaiting(): Promise<void> {
    try {
      await whileBusy(() => {
        this.flush();
        // In the same step: an entry that is recorded later needs another commit.
        this.#commit = undefined;
      });
    } catch (error) {
      this.#commit = undefined;
      this.#waiting = [];
      throw fromSqlite(error);
    }
  }

  #tryFlush(): void {
    try {
      this.flushInBackground()?.catch(this.#deps.onFailed);
    } catch (error) {
      this.#deps.onFailed(error);
    }
  }

  #appendWaiting(): void {
    if (this.#waiting.length === 0) return;
    this.inTransaction(() => this.log.appendAll(this.#waiting, this.#deps.seed));
    this.#waiting = [];
    this.#deps.onWritten();
  }
}
