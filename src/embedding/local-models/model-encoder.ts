import { availableParallelism } from 'node:os';
import { MemoryError } from '../../domain/errors';
import { type ModelSource, readModelFiles } from './model-files';
import { type ModelTokenizer, modelTokenizer } from './model-tokenizer';
import { ModelWorker, type WorkerAnswer } from './model-worker';
import type { Pooling } from './pooling';
import { onnxRuntimeFile } from './transformers-runtime';

/**
 * Sessions of one model, each in a thread of its own with one core: two that read a text each are quicker than one that takes a
 * text apart for two cores. Each holds the weights once more, so no more than these.
 */
const mostWorkers = 4;

// One that it computes, and one that it begins with while the answer is taken and the next is made.
const tasksOfWorker = 2;

/** How the vectors of texts are made. */
export interface Reading {
  /** Longer texts are cut there, or sooner where the model reads less. */
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly dimensions: number;
}

/** When texts get their turn. */
export interface Turn {
  readonly signal: AbortSignal | undefined;
  /** Before all that wait. */
  readonly first: boolean;
}

interface Waiting {
  readonly texts: readonly string[];
  readonly reading: Reading;
  readonly signal: AbortSignal | undefined;
  resolve(answer: WorkerAnswer): void;
  reject(error: unknown): void;
}

// One per file in a process: a session holds the weights in memory a second time.
const encoders = new Map<string, Promise<ModelEncoder>>();

/** The process's encoder for that source, loaded on first use. A failed load is tried again by the next call. */
export function modelEncoder(source: ModelSource): Promise<ModelEncoder> {
  const { localPath, model, weightsFile, sha256 } = source;
  const key = JSON.stringify([localPath, model, weightsFile, sha256]);
  const known = encoders.get(key);
  if (known !== undefined) return known;
  const forget = () => encoders.delete(key);
  const loading = load(source, forget);
  encoders.set(key, loading);
  loading.catch(forget);
  return loading;
}

/** Starts one more thread with the model. */
type Start = () => Promise<ModelWorker>;

/** A loaded model, whose threads take what waits in turn. More are started, one after the other, while texts wait for them. */
export class ModelEncoder {
  readonly #tokenizer: ModelTokenizer;
  readonly #workers: ModelWorker[];
  readonly #waiting: Waiting[] = [];
  readonly #onEnd: () => void;
  #more: Start | undefined;
  #started = 1;

  /** @param onEnd Called when a thread of it has ended, and with it the encoder. */
  constructor(tokenizer: ModelTokenizer, worker: ModelWorker, more: Start, onEnd: () => void) {
    this.#tokenizer = tokenizer;
    this.#workers = [worker];
    this.#more = more;
    this.#onEnd = onEnd;
  }

  /** Directions of the texts, one after the other. Rejects with the signal's reason when they are not begun by then. */
  embed(texts: readonly string[], reading: Reading, { signal, first }: Turn): Promise<WorkerAnswer> {
    return new Promise((resolve, reject) => {
      const waiting = { texts, reading, signal, resolve, reject };
      if (first) this.#waiting.unshift(waiting);
      else this.#waiting.push(waiting);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (let worker = this.#free(); this.#waiting.length > 0 && worker !== undefined; worker = this.#free()) {
      const next = this.#waiting.shift()!;
      if (next.signal?.aborted) next.reject(next.signal.reason);
      else void this.#give(next, worker);
    }
    if (this.#waiting.length > 0) void this.#startAnother();
  }

  /** The one with the fewest tasks, where it may have more. */
  #free(): ModelWorker | undefined {
    const [worker] = this.#workers.toSorted((a, b) => a.tasks - b.tasks);
    return worker !== undefined && worker.tasks < tasksOfWorker ? worker : undefined;
  }

  async #startAnother(): Promise<void> {
    const start = this.#more;
    // One at a time; and the weights are let go with the last.
    this.#more = undefined;
    if (start === undefined || this.#started >= Math.min(mostWorkers, availableParallelism())) return;
    this.#started++;
    try {
      this.#workers.push(await start());
      this.#more = start;
      this.#dispatch();
    } catch {
      // There is no memory for another: those that there are do the work.
    }
  }

  async #give({ texts, reading, resolve, reject }: Waiting, worker: ModelWorker): Promise<void> {
    const { maxTokens, pooling, dimensions } = reading;
    try {
      // Only now: the tokens of thousands of texts at once would hold the event loop.
      const tokens = texts.map((text) => this.#tokenizer.encode(text, maxTokens));
      resolve(await worker.run({ tokens, pooling, dimensions }));
    } catch (error) {
      reject(error);
    }
    if (worker.hasEnded) this.#onEnd();
    this.#dispatch();
  }
}

async function load(source: ModelSource, onEnd: () => void): Promise<ModelEncoder> {
  const runtime = onnxRuntimeFile(source.model);
  const files = await readModelFiles(source);
  try {
    const start = () => ModelWorker.start({ runtime, weights: files.weights });
    const first = start();
    // Made meanwhile; and a thread that fails while it is made has been heard.
    first.catch(() => undefined);
    const tokenizer = await modelTokenizer(files.tokenizer, files.tokenizerConfig);
    return new ModelEncoder(tokenizer, await first, start, onEnd);
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model ${source.model} cannot be started: ${String(cause)}. Its file ${source.weightsFile} is truncated, damaged, ` +
        `or no feature-extraction model for texts: replace it, or delete it to have it downloaded where no 'localPath' is given.`,
      { cause },
    );
  }
}
