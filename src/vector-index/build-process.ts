import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleAdvice } from '../domain/bundle-advice';
import { moduleUrlOf } from '../environment/module-url';
import { nextTurn, pause, realTimers } from '../environment/timers';
import { type BuildInput, type BuildTask, parseAnswer, recordBytes, scratchName } from './builder-protocol';
import { LanceUnavailable } from './lance-library';
import type { Probes } from './probes';
import type { StoredVector, VectorSource } from './vector-index';

export interface BuilderOptions {
  /** The program that the child process runs. Default: the index builder of this package. */
  readonly program?: string;
  /**
   * The child process is ended if it makes no progress for this time. Default: two minutes, plus 1 ms for every 384 components
   * (vectors × dimensions).
   */
  readonly stallMs?: number;
}

export interface TableOptions {
  /** The absolute path of a folder that is empty or does not exist. */
  readonly folder: string;
  /** Whether only the user of this process may read the index. If false, it gets the permissions of the folder that contains it. */
  readonly isPrivate?: boolean | undefined;
  readonly dimensions: number;
  readonly source: VectorSource;
  /** The rows to index, in ascending order. A row is the integer that identifies one memory. */
  readonly rows: Uint32Array;
  /** Aborts the build. When the child process is gone, the build rejects with the reason of this signal. */
  readonly signal: AbortSignal;
  readonly builder?: BuilderOptions | undefined;
}

export interface BuiltTable {
  readonly probes: Probes;
  /** The number of vectors in the table. */
  readonly vectors: number;
}

/** The child process that builds an index failed: it did not start, ended early, made no progress, or sent an unexpected message. */
export class BuilderFailed extends Error {
  override readonly name = 'BuilderFailed';
}

// The work of one turn of the event loop: reading these rows takes about half a millisecond. Searches run between the turns, and one
// search takes about ten turns. To build an index of 100,000 vectors of 384 dimensions, the host spends 60 ms on writing them to the
// child through a pipe. Messages would take 150 ms.
const rowsPerTurn = 64;
const sampleSize = 64;
// The median cosine between a question of the LoCoMo benchmark and the nearest dialogue turn, with all-MiniLM-L6-v2.
const questionCosine = 0.62;
// Training takes 0.05 ms for each vector of 384 dimensions on two processors. Even a twentieth of that speed counts as progress.
const shortestStallMs = 120_000;
const componentsPerStallMs = 384;
const keptOutput = 500;

/**
 * Builds an index in a child process: fills a folder with a LanceDB table of the vectors of the given rows, trains the index, and
 * measures how many of its partitions a search must probe.
 *
 * @throws the reason of the signal, LanceUnavailable, BuilderFailed, the error of the source, or an error with the message of
 * LanceDB.
 */
export async function buildTable(options: TableOptions): Promise<BuiltTable> {
  const { folder, isPrivate, dimensions, source, rows, signal, builder } = options;
  signal.throwIfAborted();
  const queries = sampleQueries(source, rows);
  const { mode } = await stat(await existing(folder));
  await mkdir(folder, { recursive: true, mode: mode & (isPrivate === true ? 0o700 : 0o777) });
  const child = new BuilderProcess({ folder, dimensions, queries }, signal, builder);
  try {
    let vectors = 0;
    for (let from = 0; from < rows.length; from += rowsPerTurn) {
      const batch = [...source.read(rows.subarray(from, from + rowsPerTurn))];
      vectors += batch.length;
      await child.write(recordsOf(batch, dimensions));
      await nextTurn();
    }
    return { probes: await child.finish({ vectors }), vectors };
  } finally {
    await child.end();
    await rm(join(folder, scratchName), { recursive: true, force: true });
  }
}

/** Returns the path, or the nearest parent folder that exists. */
async function existing(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || dirname(path) === path ? path : existing(dirname(path));
}

/** One child process that runs the index builder. */
class BuilderProcess {
  readonly #child: ChildProcess;
  readonly #task: BuildTask;
  readonly #signal: AbortSignal;
  readonly #stallMs: number | undefined;
  /** Resolves with the probes, or rejects as soon as the build has failed. */
  readonly #result: Promise<Probes>;
  #resolve!: (probes: Probes) => void;
  #reject!: (reason: unknown) => void;
  readonly #closed: Promise<unknown>;
  readonly #onAbort = () => this.#reject(this.#signal.reason);
  #watching = new AbortController();
  #output = '';

  constructor(task: BuildTask, signal: AbortSignal, { program = ownProgram(), stallMs }: BuilderOptions = {}) {
    this.#task = task;
    this.#signal = signal;
    this.#stallMs = stallMs;
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Prevents an unhandled rejection while nothing waits for the result.
    this.#result.catch(() => undefined);
    this.#child = start(program, task.folder);
    this.#closed = new Promise((resolve) => {
      this.#child.on('close', resolve);
      this.#child.on('error', (error) => {
        this.#reject(new BuilderFailed(`The process of the index builder failed: ${error.message}`, { cause: error }));
        // A process that never started does not emit `close`.
        if (this.#child.pid === undefined) resolve(undefined);
      });
    });
    // A write to a process that has ended fails. The `close` event reports the end.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-keptOutput);
    });
    this.#child.on('close', (code, exitSignal) => this.#reject(this.#ended(exitSignal ?? `code ${code}`)));
    this.#child.on('message', (message) => this.#receive(message));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    this.#send(task);
    this.#expectProgress(shortestStallMs);
  }

  /** Writes vectors to the child. Resolves when the child can take more. */
  async write(records: Uint8Array): Promise<void> {
    const { stdin } = this.#child;
    const isTaken = stdin?.write(records) !== false;
    this.#expectProgress(shortestStallMs);
    // Also waits for the result, so that this rejects if the child has already ended.
    await Promise.race([this.#result, isTaken ? undefined : once(stdin as NonNullable<typeof stdin>, 'drain')]);
  }

  /** Ends the input and waits for the answer. */
  async finish(input: BuildInput): Promise<Probes> {
    this.#child.stdin?.end();
    this.#send(input);
    this.#expectProgress(shortestStallMs + (input.vectors * this.#task.dimensions) / componentsPerStallMs);
    return this.#result;
  }

  /** Kills the process, whatever it is doing, and resolves when it is gone. */
  async end(): Promise<void> {
    this.#watching.abort();
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  #send(message: BuildTask | BuildInput): void {
    // The callback ignores the error of a closed channel. The `close` event reports the end of the process.
    this.#child.send(message, () => undefined);
  }

  #receive(message: unknown): void {
    const answer = parseAnswer(message);
    if (answer?.kind === 'unavailable') this.#reject(new LanceUnavailable(answer.reason));
    else if (answer?.kind === 'failed') this.#reject(new Error(answer.reason));
    else if (answer?.kind === 'built') this.#resolve(answer.probes);
    else this.#reject(new BuilderFailed('The index builder sent an unexpected message.'));
  }

  /** Rejects the result if the child makes no further progress within this time. Each call starts the time again. */
  #expectProgress(ms: number): void {
    this.#watching.abort();
    const watching = new AbortController();
    this.#watching = watching;
    const stallMs = this.#stallMs ?? ms;
    void pause(stallMs, watching.signal, { timers: realTimers }).then(() => {
      if (watching.signal.aborted) return;
      this.#reject(new BuilderFailed(`The index builder made no progress for ${Math.round(stallMs / 1000)} s.`));
    });
  }

  #ended(how: string): BuilderFailed {
    const output = this.#output.trim();
    return new BuilderFailed(
      `The index builder ended with ${how} before it answered.${output === '' ? '' : ` It wrote: ${output}`}`,
    );
  }
}

// The program is in the same folder as this file and has the same extension: in the sources, in the ESM build and in the CommonJS
// build.
function ownProgram(): string {
  const url = moduleUrlOf(import.meta.url);
  const extension = extname(new URL(url).pathname);
  return fileURLToPath(new URL(`index-builder${extension}`, url));
}

function start(program: string, folder: string): ChildProcess {
  if (!existsSync(program)) {
    throw new BuilderFailed(
      `The program of the index builder is missing: ${program}. Install the package again. ${bundleAdvice}`,
    );
  }
  return fork(program, [], {
    // The host's current folder may have been removed.
    cwd: folder,
    execArgv: [...loaderOf(program)],
    // Removes the debugger options, because otherwise the child would wait for a debugger of its own.
    env: { ...process.env, NODE_OPTIONS: process.env.NODE_OPTIONS?.replace(/--inspect\S*/g, '') },
    serialization: 'advanced',
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
  });
}

// No literal in the call, because bundlers try to resolve that, and users do not install it.
const typescriptLoader = 'tsx';

// Tests run the TypeScript sources, which need a loader.
function loaderOf(program: string): readonly string[] {
  if (!program.endsWith('.ts')) return [];
  return ['--import', pathToFileURL(createRequire(moduleUrlOf(import.meta.url)).resolve(typescriptLoader)).href];
}

/** Encodes vectors in the form that the index builder reads: see `recordBytes`. */
function recordsOf(vectors: readonly StoredVector[], dimensions: number): Uint8Array {
  const records = new ArrayBuffer(vectors.length * recordBytes(dimensions));
  const integers = new Int32Array(records);
  const floats = new Float32Array(records);
  const width = recordBytes(dimensions) / Float32Array.BYTES_PER_ELEMENT;
  for (const [i, { row, chunk, vector }] of vectors.entries()) {
    integers[i * width] = row;
    integers[i * width + 1] = chunk;
    floats.set(vector, i * width + 2);
  }
  return new Uint8Array(records);
}

/**
 * Makes sample queries that resemble real ones. Each query is as far from one stored vector as a question is from its answer, and
 * moves away from it in a direction in which stored vectors differ. Stored vectors themselves would be too easy to find, because
 * each has its own neighbours around it. The same rows always give the same queries.
 */
function sampleQueries(source: VectorSource, rows: Uint32Array): Float32Array[] {
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
