import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import type { Logger } from '../../environment/environment';

/**
 * Pages in the log that make a checkpoint due: 16 MB. Four times SQLite's own measure, because two passes and their syncs should
 * be rare beside commits; and not more, because a commit that makes the log file longer costs twice one that overwrites it.
 */
const pagesPerCheckpoint = 4_000;
// To ask for the length of the log takes some microseconds.
const commitsPerLook = 8;

// A string and not a file: it must run from sources, from either build, and from inside somebody's bundle.
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
 * Copies the write-ahead log into the database from a second connection in a worker, so that commits do not wait for it.
 * Each checkpoint has two passes: the first copies nearly everything while writers go on, the second copies the rest
 * while they are held back, after which SQLite begins the log anew instead of letting it grow.
 */
export class Checkpointer {
  readonly #database: Database;
  readonly #logger: Logger;
  #worker: Worker | undefined;
  #answered: ((answer: { error?: string }) => void) | undefined;
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

  /** Told of every commit. */
  committed(): void {
    if (++this.#commits % commitsPerLook !== 0 || this.#broken || this.#firstPass !== undefined) return;
    if ((this.#logLength.get()?.log ?? 0) < pagesPerCheckpoint) return;
    this.#firstPass = this.#pass().then(() => {
      this.#firstPass = 'done';
    });
  }

  /** Awaited between commits: the second pass, when one is due. */
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
    // Without it the process may end before the worker has.
    worker.ref();
    worker.postMessage('close');
    await ended;
  }

  async #pass(): Promise<void> {
    if (this.#broken) return;
    const answer = await new Promise<{ error?: string }>((resolve) => {
      this.#answered = resolve;
      const worker = this.#start();
      // Writers may wait for the answer: the process must not end before it.
      worker.ref();
      worker.postMessage('checkpoint');
    });
    this.#worker?.unref();
    if (answer.error !== undefined) this.#logger.warn('A checkpoint failed; the next one will do its work.', answer);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const driver = createRequire(import.meta.url).resolve('better-sqlite3');
    const worker = new Worker(workerSource, { eval: true, workerData: { driver, path: this.#database.name } });
    worker.unref();
    worker.on('message', (answer) => this.#answered?.(answer));
    worker.on('error', (error) => {
      // Without the worker SQLite makes its own checkpoints again, inside commits.
      this.#broken = true;
      this.#worker = undefined;
      this.#database.pragma('wal_autocheckpoint = 1000');
      this.#answered?.({ error: String(error) });
    });
    this.#worker = worker;
    return worker;
  }
}
