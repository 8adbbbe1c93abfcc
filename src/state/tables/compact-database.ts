import { Worker } from 'node:worker_threads';
import { driverFile } from './driver-file';

// The program is a string and not a file, so that it works in the sources, in both builds, and in an application's bundle.
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const Database = require(workerData.driver);
function using(path, run) {
  const database = new Database(path, { readonly: true });
  try { return run(database); } finally { database.close(); }
}
const check = (path) => using(path, (database) => database.pragma('integrity_check(100)').map((row) => row.integrity_check));
try {
  using(workerData.from, (database) => database.prepare('vacuum into ?').run(workerData.to));
  const lines = [workerData.to, ...workerData.checked].flatMap(check);
  parentPort.postMessage({ problems: lines.filter((line) => line !== 'ok') });
}
catch (error) { parentPort.postMessage({ error: String(error.message), code: error.code }); }
`;

interface WorkerAnswer {
  readonly problems?: readonly string[];
  readonly error?: string;
  readonly code?: string;
}

/**
 * Writes a database to another file, page by page, in a worker. The new file has no unused pages, and no unused part of a page with what was
 * deleted. SQLite needs no temporary file for it, and half a second of processor time for 100 MB. Then checks every page of the new file.
 *
 * @param to Must be empty or not exist.
 * @param checked Other databases that are checked, too.
 * @returns the problems that were found. SQLite describes each in a sentence.
 * @throws the error of SQLite
 */
export async function compactDatabase(
  from: string,
  to: string,
  checked: readonly string[],
): Promise<readonly string[]> {
  const worker = new Worker(workerSource, { eval: true, workerData: { driver: driverFile(), from, to, checked } });
  return new Promise<readonly string[]>((resolve, reject) => {
    worker.once('message', ({ problems = [], error, code }: WorkerAnswer) => {
      if (error === undefined) resolve(problems);
      else reject(Object.assign(new Error(error), code === undefined ? {} : { name: 'SqliteError', code }));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The worker that copies the database ended early.')));
  }).finally(() => worker.terminate());
}
