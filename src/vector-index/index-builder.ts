/**
 * The program of the child process that builds a vector index. A build needs much memory and several threads, and LanceDB reads its
 * settings from environment variables. In a child process none of this affects the host process. `build-process.ts` starts this
 * program.
 */

import { mkdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../domain/realms';
import { type BuilderAnswer, type BuildInput, type BuildTask, recordBytes, scratchName } from './builder-protocol';
import { LanceUnavailable } from './lance-library';
import { LanceTable } from './lance-table';
import { measureProbes, type Probes } from './probes';

const vectorsPerBatch = 2048;
// With up to 256 partitions LanceDB trains plain k-means. With more it splits clusters one by one, which is faster, but a search
// then needs up to twice the time for the same recall. Above `wellTrained * rowsPerPartition` vectors, 256 partitions would become
// too large.
const wellTrained = 256;
const rowsPerPartition = 2048;

async function build({ folder, dimensions, queries }: BuildTask, input: Promise<BuildInput>): Promise<Probes> {
  prepareProcess(folder);
  const table = await LanceTable.create(folder, dimensions);
  const received = await fill(table, dimensions);
  const { vectors } = await input;
  if (received !== vectors) throw new Error(`Received ${received} of ${vectors} vectors.`);
  const partitions = partitionsFor(received);
  await table.train(partitions);
  const probes = await measureProbes((...search) => table.nearest(...search), queries, partitions);
  await table.close();
  return probes;
}

// The process keeps the priority of the host. With a lower priority, a build on a busy machine takes several times as long, and
// searches are not measurably faster.
function prepareProcess(folder: string): void {
  // Group and others get only those permissions on the files of the build that they have on the folder. Changing the umask affects nothing else, because this process only
  // builds the index.
  process.umask(~statSync(folder).mode & 0o077);
  const scratch = join(folder, scratchName);
  mkdirSync(scratch, { recursive: true });
  // LanceDB 0.33 leaves a copy of all vectors in the temporary folder for each index that it builds (lance-format/lance#8992).
  // TMPDIR names that folder; on Windows TEMP and TMP do.
  Object.assign(process.env, { TMPDIR: scratch, TEMP: scratch, TMP: scratch });
  // LanceDB trains in threads of the Rayon library. One processor is left free for the searches of the host.
  process.env.RAYON_NUM_THREADS ??= String(Math.max(1, availableParallelism() - 1));
}

/** Adds the vectors from the standard input to the table. Returns their number. */
async function fill(table: LanceTable, dimensions: number): Promise<number> {
  const bytes = recordBytes(dimensions);
  const batch = new Uint8Array(vectorsPerBatch * bytes);
  let filled = 0;
  let count = 0;
  const flush = async () => {
    if (filled % bytes !== 0) throw new Error(`Received an incomplete vector of ${filled % bytes} bytes.`);
    if (filled > 0) await add(table, batch.buffer, filled / bytes, dimensions);
    count += filled / bytes;
    filled = 0;
  };
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    for (let at = 0; at < piece.length; ) {
      const taken = Math.min(piece.length - at, batch.length - filled);
      batch.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === batch.length) await flush();
    }
  }
  await flush();
  return count;
}

async function add(table: LanceTable, records: ArrayBuffer, count: number, dimensions: number): Promise<void> {
  const integers = new Int32Array(records);
  const floats = new Float32Array(records);
  const width = 2 + dimensions;
  const rows = new Int32Array(count);
  const chunks = new Int32Array(count);
  const vectors = new Float32Array(count * dimensions);
  for (let i = 0; i < count; i++) {
    rows[i] = integers[i * width] as number;
    chunks[i] = integers[i * width + 1] as number;
    vectors.set(floats.subarray(i * width + 2, (i + 1) * width), i * dimensions);
  }
  await table.add(rows, chunks, vectors);
}

function partitionsFor(vectors: number): number {
  const root = Math.max(1, Math.round(Math.sqrt(vectors)));
  return vectors > wellTrained * rowsPerPartition ? root : Math.min(wellTrained, root);
}

function answerFor(error: unknown): BuilderAnswer {
  const reason = messageOf(error);
  return { kind: error instanceof LanceUnavailable ? 'unavailable' : 'failed', reason };
}

/** Receives the two messages of the host, sends the answer, and waits until the host ends this process. */
function run(send: (answer: BuilderAnswer) => void): void {
  // The host is gone. Ends at once, even during training, and without destructors, which could hang.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (task) => {
    const input = new Promise<BuildInput>((resolve) =>
      process.once('message', (message) => resolve(message as BuildInput)),
    );
    build(task as BuildTask, input).then(
      (probes) => send({ kind: 'built', probes }),
      (error: unknown) => send(answerFor(error)),
    );
  });
}

if (process.send !== undefined) run(process.send.bind(process));
