import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import type { IndexSums } from './index-sums';

/** What a step has found, or why it could not be taken. */
export type Answer<T> = { readonly found: T } | { readonly error: string };

/** The answers, each when it is there. None rejects. */
export interface DatabaseCheck {
  /** What is wrong with pages, tables and their indexes, a sentence each, in SQLite's words. */
  readonly pages: Promise<Answer<readonly string[]>>;
  /** How many lines of the feed of changes belong to no memory. */
  readonly feed: Promise<Answer<number>>;
  /** What the index of words says of each row, and what the index of tags says. */
  readonly words: Promise<Answer<IndexSums>>;
  readonly tags: Promise<Answer<IndexSums>>;
  /** Resolves when the second connection is closed. */
  readonly ended: Promise<unknown>;
  /** Ends it at the next step. */
  stop(): void;
}

// A string and not a file: it must run from sources, from either build, and from inside somebody's bundle.
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.driver);
function hashOf(term) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
function sumsOf(database, sql) {
  const sums = new Uint32Array(workerData.rows + 1);
  const strays = new Set();
  for (const [term, rows] of database.prepare(sql).raw().iterate()) {
    const hash = hashOf(term);
    for (const row of JSON.parse(rows)) {
      if (row >= 1 && row < sums.length && Number.isInteger(row)) sums[row] += hash;
      else strays.add(row);
    }
  }
  return { sums, strays: [...strays] };
}
const steps = {
  pages: (database) => database.prepare('pragma integrity_check(100)').pluck().all().filter((line) => line !== 'ok'),
  feed: (database) =>
    database.prepare('select count(*) from changes where row not in (select row from memories)').pluck().get(),
  words: (database) => sumsOf(database, 'select term, json_group_array(doc) from postings group by term'),
  tags: (database) => sumsOf(database, 'select tag, json_group_array(row) from tags group by tag'),
};
const { source } = workerData;
const database = new Database(typeof source === 'string' ? source : Buffer.from(source), { readonly: true });
for (const [step, run] of Object.entries(steps)) {
  try { parentPort.postMessage({ step, found: run(database) }); }
  catch (error) { parentPort.postMessage({ step, error: String(error.message) }); }
}
database.close();
`;

/**
 * Reads the whole database in a worker, from a connection of its own: SQLite checks its pages in one call, and the index of
 * words in one statement, seconds each in a large store.
 *
 * @param rows the highest row of which sums are wanted.
 */
export function checkDatabase(database: Database, rows: number): DatabaseCheck {
  const driver = createRequire(import.meta.url).resolve('better-sqlite3');
  const source = database.memory ? database.serialize() : database.name;
  const worker = new Worker(workerSource, { eval: true, workerData: { driver, source, rows } });
  let failure = 'The check was ended.';
  worker.on('error', (error) => {
    failure = error.message;
  });
  const answer = <T>(step: string) =>
    new Promise<Answer<T>>((resolve) => {
      worker.on('message', (message: Answer<T> & { step: string }) => {
        if (message.step === step) resolve(message);
      });
      worker.once('exit', () => resolve({ error: failure }));
    });
  return {
    pages: answer('pages'),
    feed: answer('feed'),
    words: answer('words'),
    tags: answer('tags'),
    ended: new Promise((resolve) => worker.once('exit', resolve)),
    stop: () => void worker.terminate(),
  };
}
