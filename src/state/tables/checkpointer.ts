import { Worker } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { messageOf } from '../../domain/realms';
import type { Logger } from '../../environment/environment';
import { pause, realTimers } from '../../environment/timers';
import { driverFile } from './driver-file';

/**
 * A checkpoint is due after this number of pages in the write-ahead log (16 MB). This is four times SQLite's default, because the
 * two passes and their syncs should be rare compared with commits. It is not more, because a commit that extends the log file costs
 * twice as much as a commit that overwrites it.
 */
const pagesPerCheckpoint = 4_000;
// Reading the length of the log takes a few microseconds.
const commitsPerCheck = 8;
// A page with its header in the log. Every page of a store has the default size of SQLite.
const bytesPerPage = 4_096 + 24;

// The program is a string and not a file, so that it works in the sources, in both builds, and in an application's bundle.
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.driver);
const database = new Database(workerData.path);
parentPort.on('message', (message) => {
  if (message === 'close') { database.close(); parentPort.close(); return; }
  try {
    database.pragma('busy_timeout = ' + message.waitMs);
    if (message.mode === 'VACUUM') {
      database.pragma('temp_store = ' + message.tempStore);
      database.exec('vacuum');
      parentPort.postMessage({});
      return;
    }
    const [{ busy }] = database.pragma('wal_checkpoint(' + message.mode + ')');
    parentPort.postMessage({ busy: busy === 1 });
  }
  catch (error) { parentPort.postMessage({ error: String(error), code: error.code }); }
});
`;

/**
 * The maximum number of milliseconds for which bytes of a forgotten memory stay in the write-ahead log. Emptying the log takes two syncs,
 * and commits are slower until the log has grown again. Done once a second, this has no measurable cost: 64 writers that forget one of ten
 * memories make 5,000 writes in about 2 s with and without it.
 */
const maxForgottenMs = 1_000;
/** A reader that keeps an old state open stops the log from being emptied. Each attempt that it stops doubles the pause, up to this. */
const maxPurgePauseMs = 16_000;
/** How long the last attempt, in `close`, waits for readers. Earlier attempts do not wait, because SQLite stops writers meanwhile. */
const closingWaitMs = 1_000;

/** How long a rewrite waits for another program that locks the database. */
const rewriteWaitMs = 5_000;
/** SQLite rewrites a database with a temporary copy. Up to this size it is in RAM, and otherwise in the temporary folder of the system. */
const maxCopyInRam = 2 ** 26;

/**
 * 'PASSIVE' copies all pages that no reader still needs in the log. 'TRUNCATE' copies all pages, and then empties the log file. 'VACUUM' writes
 * every page of the database again.
 */
type CheckpointMode = 'PASSIVE' | 'TRUNCATE' | 'VACUUM';

interface CheckpointAnswer {
  /** True if the checkpoint is incomplete because a reader still uses an earlier state. */
  readonly busy?: boolean;
  readonly error?: string;
  /** SQLite's code of the error. */
  readonly code?: string;
}

/**
 * Copies the write-ahead log into the database. A worker with a second connection does this, so commits do not wait. Each checkpoint
 * has two passes. The first pass copies nearly everything while writers continue. The second pass copies the rest while writers
 * wait. After that SQLite overwrites the log from its start, so the log does not grow. After a memory was forgotten, the log file is
 * emptied within a second, because it may still contain the memory's text. A reader that keeps an old state open
 * delays this, but no write.
 */
export class Checkpointer {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #onLogLength: (bytes: number) => void;
  #worker: Worker | undefined;
  #onAnswer: ((answer: CheckpointAnswer) => void) | undefined;
  readonly #logLength: Statement<[], { log: number }>;
  #commits = 0;
  #firstPass: Promise<void> | 'done' | undefined;
  #broken = false;
  /** The last pass. Each pass starts only after the previous pass has ended. */
  #lastPass: Promise<unknown> = Promise.resolve();
  #isPurgeDue = false;
  #purgePauseMs = maxForgottenMs;
  #purge: Promise<unknown> | undefined;
  readonly #closing = new AbortController();

  /** @param onLogLength Called every few commits with the number of bytes in the log. */
  constructor(database: Database, logger: Logger, onLogLength: (bytes: number) => void = () => undefined) {
    this.#database = database;
    this.#logger = logger;
    this.#onLogLength = onLogLength;
    database.pragma('wal_autocheckpoint = 0');
    this.#logLength = database.prepare('pragma wal_checkpoint(NOOP)');
  }

  /**
   * Empties the log within a second, or later if a reader prevents it. The caller must call this after a commit that has forgotten
   * something.
   */
  forgot(): void {
    if (this.#isPurgeDue) return;
    this.#isPurgeDue = true;
    void pause(this.#purgePauseMs, this.#closing.signal, { timers: realTimers }).then(() => this.#emptyLog());
  }

  /** Starts the first pass when a checkpoint is due. The caller must call this after every commit. */
  committed(): void {
    if (++this.#commits % commitsPerCheck !== 0) return;
    const pages = this.#logLength.get()?.log ?? 0;
    this.#onLogLength(pages * bytesPerPage);
    if (pages < pagesPerCheckpoint || this.#broken || this.#firstPass !== undefined) return;
    this.#firstPass = this.#pass('PASSIVE').then(() => {
      this.#firstPass = 'done';
    });
  }

  /** Runs the second pass when it is due. The caller must await this between two batches. */
  betweenBatches(): Promise<unknown> | undefined {
    if (this.#purge !== undefined) return this.#purge;
    if (this.#firstPass !== 'done') return undefined;
    this.#firstPass = undefined;
    return this.#pass('PASSIVE');
  }

  /** Empties the log in this thread, for a disk that is full. A failure leaves the log as it is. */
  emptyLogNow(): void {
    const { error } = this.#runHere('TRUNCATE');
    if (error !== undefined) this.#logger.warn('The write-ahead log could not be emptied.', { error });
  }

  /**
   * Writes every page of the database again, and empties the log. SQLite overwrites what it deletes, but it may have left a copy of a row in the
   * unused part of another page, when it divided a page. Writers wait meanwhile, and readers go on.
   *
   * @returns whether a reader that uses an earlier state has kept the old pages. They go when it ends.
   * @throws the error of SQLite. The database is then as it was.
   */
  async rewrite(): Promise<{ readonly busy: boolean }> {
    await this.#purge;
    const rewriting = this.#pass('VACUUM', rewriteWaitMs).then(async (vacuum) => {
      if (vacuum.error !== undefined) throw sqliteError(vacuum);
      return this.#pass('TRUNCATE', closingWaitMs);
    });
    this.#purge = rewriting.catch(() => undefined);
    const held = this.#purge;
    try {
      const { busy = false, error } = await rewriting;
      const isLeft = busy || error !== undefined;
      if (isLeft) this.forgot();
      return { busy: isLeft };
    } finally {
      if (this.#purge === held) this.#purge = undefined;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#firstPass instanceof Promise) await this.#firstPass;
    // SQLite removes the log when the last process closes the database, but a reader may still have it open.
    await this.#purge;
    if (this.#isPurgeDue) await this.#pass('TRUNCATE', closingWaitMs);
    await this.#lastPass;
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    // Keeps the process alive. Otherwise it may exit before the worker.
    worker.ref();
    worker.postMessage('close');
    await ended;
  }

  async #emptyLog(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    // The first pass copies nearly everything while writers continue.
    await this.#pass('PASSIVE');
    if (this.#closing.signal.aborted) return;
    this.#isPurgeDue = false;
    const emptied = this.#pass('TRUNCATE');
    this.#purge = emptied;
    const { busy = false, error } = await emptied;
    this.#purge = undefined;
    const hasFailed = busy || error !== undefined;
    this.#purgePauseMs = hasFailed ? Math.min(2 * this.#purgePauseMs, maxPurgePauseMs) : maxForgottenMs;
    if (hasFailed) this.forgot();
  }

  /** @param waitMs How long SQLite waits for other connections. Writers wait too. */
  #pass(mode: CheckpointMode, waitMs = 0): Promise<CheckpointAnswer> {
    const pass = this.#lastPass.then(() => this.#run(mode, waitMs));
    this.#lastPass = pass;
    return pass;
  }

  async #run(mode: CheckpointMode, waitMs: number): Promise<CheckpointAnswer> {
    if (this.#broken) return this.#runHere(mode);
    const answer = await new Promise<CheckpointAnswer>((resolve) => {
      this.#onAnswer = resolve;
      const worker = this.#start();
      // Writers may wait for the answer: the process must not exit before it.
      worker.ref();
      worker.postMessage({ mode, waitMs, tempStore: this.#tempStore() });
    });
    this.#worker?.unref();
    if (answer.error !== undefined && mode !== 'VACUUM')
      this.#logger.warn('A checkpoint failed. The next checkpoint repeats its work.', { error: answer.error });
    return answer;
  }

  /** In this thread. Without the worker SQLite makes checkpoints itself, inside commits, but it never empties the log. */
  #runHere(mode: CheckpointMode): CheckpointAnswer {
    if (mode === 'PASSIVE') return {};
    try {
      if (mode === 'VACUUM') {
        this.#database.exec('vacuum');
        return {};
      }
      const [{ busy }] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
      return { busy: busy === 1 };
    } catch (error) {
      const { code } = Object(error) as { code?: unknown };
      return { error: messageOf(error), ...(typeof code === 'string' ? { code } : {}) };
    }
  }

  #tempStore(): 'MEMORY' | 'FILE' {
    const pages = this.#database.pragma('page_count', { simple: true }) as number;
    return pages * bytesPerPage <= maxCopyInRam ? 'MEMORY' : 'FILE';
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const driver = driverFile();
    const worker = new Worker(workerSource, { eval: true, workerData: { driver, path: this.#database.name } });
    worker.unref();
    worker.on('message', (answer) => this.#onAnswer?.(answer));
    worker.on('error', (error) => {
      // Without the worker SQLite makes checkpoints itself, inside commits.
      this.#broken = true;
      this.#worker = undefined;
      this.#database.pragma('wal_autocheckpoint = 1000');
      this.#onAnswer?.({ error: String(error) });
    });
    this.#worker = worker;
    return worker;
  }
}

/** The error of SQLite that the worker has reported. */
function sqliteError({ error, code }: CheckpointAnswer): Error {
  return Object.assign(new Error(error), code === undefined ? {} : { name: 'SqliteError', code });
}
