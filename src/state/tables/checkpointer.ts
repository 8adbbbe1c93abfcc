import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import type { Logger } from '../../environment/environment';

/**
 * A checkpoint is due after this number of pages in the write-ahead log (16 MB). This is four times SQLite's default, because the
 * two passes and their syncs should be rare compared with commits. It is not more, because a commit that extends the log file costs
 * twice as much as a commit that overwrites it.
 */
const pagesPerCheckpoint = 4_000;
// Reading the length of the log takes a few microseconds.
const commitsPerCheck = 8;

// The program is a string and not a file, so that it works in the sources, in both builds, and in an application's bundle.
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.driver);
const database = new Database(workerData.path, { timeout: 1000 });
parentPort.on('message', (message) => {
  if (message === 'close') { database.close(); parentPort.close(); return; }
  try { database.pragma('wal_checkpoint(PASSIVE)'); parentPort.postMessage({}); }
  catch (error) { parentPort.postMessage({ error: String(error) }); }
});
`;

/**
 * Copies the write-ahead log into the database. A worker with a second connection does this, so commits do not wait. Each checkpoint
 * has two passes. The first pass copies nearly everything while writers continue. The second pass copies the rest while writers
 * wait. After that SQLite overwrites the log from its start, so the log does not grow.
 */
export class Checkpointer {
  readonly #database: Database;
  readonly #logger: Logger;
  #worker: Worker | undefined;
  #onAnswer: ((answer: { error?: string }) => void) | undefined;
  readonly #logLength: Statement<[], { log: number }>;
  #commits = 0;
  #firstPass: Promise<void> | 'done' | undefined;
  #broken = false;

  constructor(database: Database, logger: Logger) {
    this.#database = database;
    this.#logger = logger;
    database.pragma('wal_autocheckpoint = 0');
    this.#logLength = database.prepare('pragma wal_checkpoint(NOOP)');
  }

  /** Starts the first pass when a checkpoint is due. The caller must call this after every commit. */
  committed(): void {
    if (++this.#commits % commitsPerCheck !== 0 || this.#broken || this.#firstPass !== undefined) return;
    if ((this.#logLength.get()?.log ?? 0) < pagesPerCheckpoint) return;
    this.#firstPass = this.#pass().then(() => {
      this.#firstPass = 'done';
    });
  }

  /** Runs the second pass when it is due. The caller must await this between two batches. */
  betweenBatches(): Promise<void> | undefined {
    if (this.#firstPass !== 'done') return undefined;
    this.#firstPass = undefined;
    return this.#pass();
  }

  async close(): Promise<void> {
    if (this.#firstPass instanceof Promise) await this.#firstPass;
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    // Otherwise the process may exit before the worker.
    worker.ref();
    worker.postMessage('close');
    await ended;
  }

  async #pass(): Promise<void> {
    if (this.#broken) return;
    const answer = await new Promise<{ error?: string }>((resolve) => {
      this.#onAnswer = resolve;
      const worker = this.#start();
      // Writers may wait for the answer: the process must not exit before it.
      worker.ref();
      worker.postMessage('checkpoint');
    });
    this.#worker?.unref();
    if (answer.error !== undefined)
      this.#logger.warn('A checkpoint failed. The next checkpoint repeats its work.', answer);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const driver = createRequire(import.meta.url).resolve('better-sqlite3');
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
