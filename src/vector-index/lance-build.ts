import { join } from 'node:path';
import { nextTurn } from '../environment/timers';
import { loadLance } from './lance-library';
import { LanceTable } from './lance-table';
import { measureProbes, type Probes } from './probes';
import { withScratchFolder } from './scratch-folder';
import type { StoredVector, VectorSource } from './vector-index';

export interface LanceBuildOptions {
  /** Absolute, empty or absent. */
  readonly folder: string;
  readonly dimensions: number;
  readonly source: VectorSource;
  /** What is to be indexed, ascending. */
  readonly rows: Uint32Array;
  /** Ends the build soon: it rejects with the signal's reason. What LanceDB has begun by then goes on for some seconds, and is lost. */
  readonly signal: AbortSignal;
}

// What one turn of the event loop may hold: about half a millisecond of reading, as a search takes some ten turns, and about
// 3 ms of encoding.
const rowsPerRead = 64;
const vectorsPerBatch = 2048;
// Up to 256 partitions LanceDB trains plain k-means. Above, it splits clusters one by one: quicker, and so much the worse that
// a search needs up to twice the time for the same recall. Where 256 partitions become too large, it is the better of the two.
const wellTrained = 256;
const rowsPerPartition = 2048;
const sampleSize = 64;
// The median between the questions of LoCoMo and their nearest turns, as all-MiniLM-L6-v2 sees them.
const questionCosine = 0.62;

/** Fills a folder with the vectors of those rows and an index that is trained on them, and measures how to search it. */
export async function buildLanceTable(options: LanceBuildOptions): Promise<Probes> {
  const table = await LanceTable.create(await loadLance(), options.folder, options.dimensions);
  const count = await fill(table, options);
  const partitions = partitionsFor(count);
  const training = withScratchFolder(join(options.folder, 'scratch'), () => table.train(partitions));
  await unlessAborted(options.signal, training);
  const search = async (query: Float32Array, limit: number, probes: number) => {
    options.signal.throwIfAborted();
    return table.nearest(query, limit, probes);
  };
  const probes = await measureProbes(search, sampleQueries(options), partitions);
  table.close();
  return probes;
}

async function fill(table: LanceTable, { source, rows, dimensions, signal }: LanceBuildOptions): Promise<number> {
  let batch: StoredVector[] = [];
  let count = 0;
  for (let from = 0; from < rows.length; from += rowsPerRead) {
    signal.throwIfAborted();
    batch.push(...source.read(rows.subarray(from, from + rowsPerRead)));
    if (batch.length >= vectorsPerBatch || from + rowsPerRead >= rows.length) {
      await add(table, batch, dimensions);
      count += batch.length;
      batch = [];
    }
    await nextTurn();
  }
  return count;
}

function add(table: LanceTable, batch: readonly StoredVector[], dimensions: number): Promise<void> {
  const vectors = new Float32Array(batch.length * dimensions);
  for (const [i, { vector }] of batch.entries()) vectors.set(vector, i * dimensions);
  return table.add(
    Int32Array.from(batch, ({ row }) => row),
    Int32Array.from(batch, ({ chunk }) => chunk),
    vectors,
  );
}

function partitionsFor(vectors: number): number {
  const root = Math.max(1, Math.round(Math.sqrt(vectors)));
  return vectors > wellTrained * rowsPerPartition ? root : Math.min(wellTrained, root);
}

/**
 * Queries like those to come: each as far from one stored vector as a question is from its answer, in a direction in which
 * stored vectors differ from each other. Stored vectors themselves would be too easy, each lies in the middle of its own
 * neighbours. Always the same for the same rows.
 */
function sampleQueries({ source, rows }: LanceBuildOptions): Float32Array[] {
  const size = Math.min(3 * sampleSize, rows.length);
  const sample = Array.from({ length: size }, (_, i) => rows[Math.floor(((i + 0.5) * rows.length) / size)] as number);
  const vectors = [...source.read(sample)].filter(({ chunk }) => chunk === 0).map(({ vector }) => vector);
  const third = Math.ceil(vectors.length / 3);
  const at = (i: number) => vectors[i % vectors.length] as Float32Array;
  return vectors.slice(0, third).map((near, i) => {
    const away = unit(combined(at(i + third), 1, at(i + 2 * third), -1));
    return unit(combined(near, questionCosine, away, Math.sqrt(1 - questionCosine ** 2)));
  });
}

function combined(a: Float32Array, x: number, b: Float32Array, y: number): Float32Array {
  return a.map((value, i) => x * value + y * (b[i] as number));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((x) => x / length);
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  // Whichever loses the race may still reject, and nobody waits for it.
  work.catch(() => undefined);
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}
