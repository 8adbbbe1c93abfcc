import fs from 'node:fs';
import type { Database } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';
import { isError } from '../domain/realms';

/**
 * Makes commits durable without holding the event loop. A commit of SQLite with `synchronous = FULL` waits for the disk in the thread that
 * commits. Here the commit only writes the write-ahead log, and another thread syncs the file. Commits that are made while a sync runs share the
 * next one.
 *
 * SQLite needs no more for a consistent database: it reads the log up to the last commit that is complete, and a checkpoint syncs the log
 * before it writes the database.
 */
export class CommitSync {
  readonly #database: Database;
  /**
   * The log, opened once for each thread that syncs it, because the system reports an error of the disk only once for each open file. SQLite
   * keeps this file until the database is closed, and holds no lock on it that closing it here could release.
   */
  readonly #file: number;
  readonly #fileHere: number;
  /** The number of commits, and how many of them are on disk. */
  #committed = 0;
  #synced = 0;
  #failure: unknown;
  /** Syncs every commit so far. Commits that follow need another sync. */
  #running: { readonly upTo: number; readonly done: Promise<void> } | undefined;
  #next: Promise<void> | undefined;

  /**
   * @param database A database on disk, in WAL mode.
   * @throws the error of the file system if the log cannot be opened
   */
  constructor(database: Database) {
    this.#database = database;
    // SQLite creates the log when it first reads: a copy that was just opened has none yet.
    database.pragma('schema_version');
    const open = () => fs.openSync(`${database.name}-wal`, 'r+');
    this.#file = open();
    try {
      this.#fileHere = open();
    } catch (error) {
      fs.closeSync(this.#file);
      throw error;
    }
  }

  /**
   * Runs a transaction. Its commit is durable when `synced` resolves.
   *
   * @throws FILE_FAILED if an earlier commit could not be synced
   */
  commit<T>(transaction: () => T): T {
    this.assertIntact();
    this.#database.exec('pragma synchronous = NORMAL');
    try {
      const result = transaction();
      this.#committed++;
      return result;
    } finally {
      this.#database.exec('pragma synchronous = FULL');
    }
  }

  /**
   * Call it before a commit that syncs the file itself: it would not be durable after one that could not be synced.
   *
   * @throws FILE_FAILED if an earlier commit could not be synced
   */
  assertIntact(): void {
    if (this.#failure !== undefined) throw this.#stopped();
  }

  /**
   * Resolves when every commit is on disk. Undefined if that is so now.
   *
   * @throws OUTCOME_UNKNOWN if the disk reports an error
   */
  synced(): Promise<void> | undefined {
    if (this.#synced === this.#committed) return undefined;
    if (this.#failure !== undefined) return Promise.reject(this.#unknown());
    if (this.#running === undefined) return this.#start();
    if (this.#running.upTo === this.#committed) return this.#running.done;
    this.#next ??= this.#running.done.then(() => {
      this.#next = undefined;
      return this.synced();
    });
    return this.#next;
  }

  /** Resolves at the same time as `synced`, and also if the disk reports an error. Undefined after that. */
  settled(): Promise<void> | undefined {
    return this.#failure === undefined ? this.synced()?.catch(() => undefined) : undefined;
  }

  /**
   * Syncs every commit in this thread.
   *
   * @throws OUTCOME_UNKNOWN if the disk reports an error
   */
  syncNow(): void {
    if (this.#synced === this.#committed) return;
    if (this.#failure !== undefined) throw this.#unknown();
    try {
      fs.fdatasyncSync(this.#fileHere);
    } catch (error) {
      throw this.#failed(error);
    }
    this.#synced = this.#committed;
  }

  /** Call it before the database is closed, which then syncs what is left. */
  async close(): Promise<void> {
    await this.settled();
    // After a failure a sync may still run.
    await this.#running?.done.catch(() => undefined);
    fs.closeSync(this.#file);
    fs.closeSync(this.#fileHere);
  }

  #start(): Promise<void> {
    const upTo = this.#committed;
    const done = this.#sync().then(
      () => {
        this.#running = undefined;
        // This thread may have got the error meanwhile.
        if (this.#failure !== undefined) throw this.#unknown();
        this.#synced = Math.max(this.#synced, upTo);
      },
      (error: unknown) => {
        this.#running = undefined;
        throw this.#failed(error);
      },
    );
    this.#running = { upTo, done };
    return done;
  }

  #sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      // A promise of `fs/promises` would need a file handle, which closes itself when it is collected.
      fs.fdatasync(this.#file, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** A sync that failed is never repeated: the system may have dropped what it could not write, and a second sync would succeed. */
  #failed(error: unknown): MemoryError {
    this.#failure ??= error;
    return this.#unknown();
  }

  #unknown(): MemoryError {
    const message = `The disk could not confirm this write (${codeOf(this.#failure)}). It may be lost when the power fails. The store takes no more writes: check the disk, close the store, open it again, and read the memory.`;
    return new MemoryError('OUTCOME_UNKNOWN', message, { cause: this.#failure, retryable: false });
  }

  #stopped(): MemoryError {
    const message = `Nothing of this call was written, because the disk could not confirm an earlier write (${codeOf(this.#failure)}). Check the disk, then close the store and open it again.`;
    return new MemoryError('FILE_FAILED', message, { cause: this.#failure, retryable: false });
  }
}

function codeOf(error: unknown): string {
  return isError(error) && typeof error.code === 'string' ? error.code : 'an unknown error';
}
