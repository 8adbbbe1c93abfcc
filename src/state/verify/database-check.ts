import { Worker } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { driverFile } from '../tables/driver-file';
import type { IndexSums } from './index-sums';

/** The result of one step of the check, or the reason why the step failed. */
export type StepResult<T> = { readonly found: T } | { readonly error: string };

/** The steps of a running check. None of the promises ever rejects. */
export interface DatabaseCheck {
  /** Problems in pages, tables and their indexes. SQLite describes each in a sentence. */
  readonly pages: Promise<StepResult<readonly string[]>>;
  /** The number of lines in the change feed whose memory does not exist. */
  readonly strayChanges: Promise<StepResult<number>>;
  /** The hash sums (`index-sums.ts`) of the keyword index and of the index of tags. */
  readonly words: Promise<StepResult<IndexSums>>;
  readonly tags: Promise<StepResult<IndexSums>>;
  /** Resolves when the worker's connection is closed. */
  readonly ended: Promise<unknown>;
  /** Ends the check at once. Steps that have not finished resolve with an error. */
  stop(): void;
}

// The program is a string and not a file, so that it works in the sources, in both builds, and in an application's bundle.
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
// Reads the pages of the keyword index, whose form posting-pages.ts describes.
function wordSums(database) {
  const sums = new Uint32Array(workerData.rows + 1);
  const strays = new Set();
  const expect = (isTrue) => { if (!isTrue) throw new Error('A page of the keyword index is malformed.'); };
  const pages = database.prepare(
    'select p.segment, p.first, p.row, p.page, s.first as low, s.last as high from word_pages as p ' +
    'left join word_segments as s on s.id = p.segment order by p.segment, p.first, p.row'
  );
  let last = { segment: 0, term: Buffer.alloc(0), row: 0 };
  for (const { segment, first, row, page, low, high } of pages.iterate()) {
    let at = 0;
    const number = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = page[at++];
        value += (byte & 127) * scale;
        if (!(byte >= 128)) return value;
      }
    };
    if (segment !== last.segment) last = { segment, term: Buffer.alloc(0), row: 0 };
    expect(low !== null && page.length > 0);
    while (at < page.length) {
      const isFirst = at === 0;
      const term = page.subarray(at + 1, at + 1 + page[at]);
      at += 1 + term.length;
      const end = at + 2 + page[at] + page[at + 1] * 256;
      at += 2;
      const order = Buffer.compare(last.term, term);
      expect(at < end && end <= page.length && (order < 0 || (order === 0 && isFirst)));
      const hash = hashOf(term.toString());
      let found = 0;
      for (let isFirstRow = true; at < end; isFirstRow = false) {
        const value = number();
        const frequency = value % 2 === 1 ? number() + 2 : 1;
        found += Math.floor(value / 2);
        expect(found >= low && found <= high && (value > 1 || isFirstRow) && at <= end);
        if (isFirstRow) expect((order < 0 || found > last.row) && (!isFirst || (term.equals(first) && found === row)));
        if (found >= 1 && found < sums.length) sums[found] += Math.imul(hash, frequency);
        else strays.add(found);
      }
      last = { segment, term, row: found };
    }
  }
  return { sums, strays: [...strays] };
}
const steps = {
  pages: (database) => database.prepare('pragma integrity_check(100)').pluck().all().filter((line) => line !== 'ok'),
  strayChanges: (database) =>
    database.prepare('select count(*) from changes where row not in (select row from memories)').pluck().get(),
  words: wordSums,
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
 * Checks the whole database in a worker with its own connection, so that the event loop is not blocked. In a large store SQLite
 * needs seconds to check its pages, and again to read the keyword index.
 *
 * @param rows The number of the highest row that the hash sums include.
 */
export function checkDatabase(database: Database, rows: number): DatabaseCheck {
  const driver = driverFile();
  const source = database.memory ? database.serialize() : database.name;
  const worker = new Worker(workerSource, { eval: true, workerData: { driver, source, rows } });
  let failure = 'The check was stopped.';
  worker.on('error', (error) => {
    failure = error.message;
  });
  const result = <T>(step: string) =>
    new Promise<StepResult<T>>((resolve) => {
      worker.on('message', (message: StepResult<T> & { step: string }) => {
        if (message.step === step) resolve(message);
      });
      worker.once('exit', () => resolve({ error: failure }));
    });
  return {
    pages: result('pages'),
    strayChanges: result('strayChanges'),
    words: result('words'),
    tags: result('tags'),
    ended: new Promise((resolve) => worker.once('exit', resolve)),
    stop: () => void worker.terminate(),
  };
}
