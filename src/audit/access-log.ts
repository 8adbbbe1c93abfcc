import type { Database } from 'better-sqlite3';
import { fromSqlite, translated } from '../sqlite/sqlite';
import { type AuditEvent, AuditLog } from './audit-log';
import type { Seed } from './pseudonyms';

/** Entries that are written together at the latest. */
const batchLength = 1_024;
/** With a full disk reads go on, up to so many of them: then nothing more is told that could not be written down. */
const mostWaiting = 65_536;

export interface AccessLogDeps {
  readonly database: Database;
  /** Whether an answer waits until its entry is on disk. */
  readonly durable: boolean;
  readonly seed: Seed;
  /** A later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Told when the first entry of a batch has begun to wait. */
  onWaiting(): void;
  /** Told after entries were written. */
  onWritten(): void;
  /** Told of a batch that could not be written, and is kept. */
  onFailed(error: unknown): void;
}

/** The chain of accesses: entries of one process in batches, into a file that others may append to as well. */
export class AccessLog {
  readonly trail: AuditLog;
  readonly #deps: AccessLogDeps;
  #waiting: AuditEvent[] = [];
  #commit: Promise<void> | undefined;

  constructor(deps: AccessLogDeps) {
    this.#deps = deps;
    this.trail = new AuditLog(deps.database);
  }

  /** What durable entries wait for. */
  get committing(): Promise<void> | undefined {
    return this.#commit;
  }

  /** Writes down an act, soon. Where answers wait for their entry: resolves when it is on disk, rejects when it cannot be. */
  record(act: AuditEvent): Promise<void> | undefined {
    if (this.#waiting.length >= mostWaiting) this.flush();
    this.#waiting.push(act);
    if (this.#deps.durable) {
      this.#commit ??= this.#deps.nextTurn().then(() => this.#commitShared());
      // Whoever waits for it hears of it; if nobody does, nothing was answered.
      this.#commit.catch(() => undefined);
      return this.#commit;
    }
    if (this.#waiting.length === 1) this.#deps.onWaiting();
    if (this.#waiting.length % batchLength === 0) this.#try();
    return undefined;
  }

  /**
   * Writes what is waiting. Durable when it returns.
   *
   * @throws DISK_FULL and other errors of the disk; what waits is kept.
   */
  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#write(this.#waiting);
    this.#waiting = [];
    this.#deps.onWritten();
  }

  /** Writes one entry at once, inside a transaction of its own that begins with `first`. */
  write(act: AuditEvent, first: () => void = () => undefined): void {
    this.#write([act], first);
    this.#deps.onWritten();
  }

  /** Runs something on the chain as it is now, with what other processes have appended, in one transaction. */
  atEnd<T>(run: () => T): T {
    try {
      return translated(
        this.#deps.database.transaction(() => {
          this.trail.chain.catchUp();
          return run();
        }).immediate,
      );
    } catch (error) {
      translated(() => this.trail.reload());
      throw error;
    }
  }

  #write(acts: readonly AuditEvent[], first: () => void = () => undefined): void {
    this.atEnd(() => {
      first();
      for (const act of acts) this.trail.append(act, this.#deps.seed);
    });
  }

  /** Whoever waits is told; their entries are not kept, because nothing was answered. */
  #commitShared(): void {
    this.#commit = undefined;
    try {
      this.flush();
    } catch (error) {
      this.#waiting = [];
      throw fromSqlite(error);
    }
  }

  #try(): void {
    try {
      this.flush();
    } catch (error) {
      this.#deps.onFailed(error);
    }
  }
}
