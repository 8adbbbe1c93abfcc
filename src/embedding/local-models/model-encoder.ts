import { availableParallelism } from 'node:os';
import { MemoryError } from '../../domain/errors';
import { type ModelSource, readModelFiles } from './model-files';
import { type ModelTokenizer, modelTokenizer } from './model-tokenizer';
import { ModelWorker, type Pooling, type WorkerAnswer } from './model-worker';
import { onnxRuntimeFile } from './transformers-runtime';

/**
 * The largest number of threads for one model. Each thread computes with one core: two threads with one text each are faster than
 * one thread that uses two cores for one text. Each thread has its own copy of the weights, so there are no more threads.
 */
const maxWorkers = 4;

/** The number of tasks of a worker thread: one that it computes, and one that it can start at once when the first is finished. */
const tasksPerWorker = 2;

/** How vectors are made from texts. */
export interface EncodeOptions {
  /** Longer texts are cut at this number of tokens, or at the maximum of the model if that is lower. */
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly dimensions: number;
}

/** When texts are computed, and how to abort them. */
export interface Schedule {
  readonly signal: AbortSignal | undefined;
  /** If true, these texts are computed before all texts that wait. */
  readonly first: boolean;
}

interface QueuedTask {
  readonly texts: readonly string[];
  readonly options: EncodeOptions;
  readonly signal: AbortSignal | undefined;
  resolve(answer: WorkerAnswer): void;
  reject(error: unknown): void;
}

// There is one encoder for each model file in a process, because every session of the runtime has its own copy of the weights.
const encoders = new Map<string, Promise<ModelEncoder>>();

/** Returns the encoder of this process for a model. The first call loads it. After a failure the next call loads it again. */
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

/** Starts another thread with the model. */
type Start = () => Promise<ModelWorker>;

/** A loaded model. Its threads take tasks from a queue. While tasks wait, more threads are started, one after the other. */
export class ModelEncoder {
  readonly #tokenizer: ModelTokenizer;
  readonly #workers: ModelWorker[];
  readonly #queue: QueuedTask[] = [];
  readonly #onEnd: () => void;
  #startNext: Start | undefined;
  #started = 1;

  /** @param onEnd Called when one of the threads has ended. The encoder must not be used after that. */
  constructor(tokenizer: ModelTokenizer, worker: ModelWorker, startNext: Start, onEnd: () => void) {
    this.#tokenizer = tokenizer;
    this.#workers = [worker];
    this.#startNext = startNext;
    this.#onEnd = onEnd;
  }

  /**
   * Computes the vectors of the texts, one after the other and not scaled to length 1. Rejects with the reason of the signal if that
   * is aborted before a thread starts with the texts.
   */
  embed(texts: readonly string[], options: EncodeOptions, { signal, first }: Schedule): Promise<WorkerAnswer> {
    return new Promise((resolve, reject) => {
      const task = { texts, options, signal, resolve, reject };
      if (first) this.#queue.unshift(task);
      else this.#queue.push(task);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (let worker = this.#freeWorker(); this.#queue.length > 0 && worker !== undefined; worker = this.#freeWorker()) {
      const next = this.#queue.shift()!;
      if (next.signal?.aborted) next.reject(next.signal.reason);
      else void this.#run(next, worker);
    }
    if (this.#queue.length > 0) void this.#startAnother();
  }

  /** Returns the worker with the fewest tasks, if it can take another task. */
  #freeWorker(): ModelWorker | undefined {
    const [worker] = this.#workers.toSorted((a, b) => a.tasks - b.tasks);
    return worker !== undefined && worker.tasks < tasksPerWorker ? worker : undefined;
  }

  async #startAnother(): Promise<void> {
    const start = this.#startNext;
    // `#startNext` is undefined while a thread starts, so that threads start one after the other. After the last thread it stays
    // undefined, which frees the weights.
    this.#startNext = undefined;
    if (start === undefined || this.#started >= Math.min(maxWorkers, availableParallelism())) return;
    this.#started++;
    try {
      this.#workers.push(await start());
      this.#startNext = start;
      this.#dispatch();
    } catch {
      // There is not enough memory for another thread. The existing threads do the work.
    }
  }

  async #run({ texts, options, resolve, reject }: QueuedTask, worker: ModelWorker): Promise<void> {
    const { maxTokens, pooling, dimensions } = options;
    try {
      // The texts are tokenized here instead of in `embed`, because tokenizing thousands of texts at once would block the event
      // loop.
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
    // The tokenizer is made while the thread starts. A failure of the thread during that time must not be an unhandled rejection.
    first.catch(() => undefined);
    const tokenizer = await modelTokenizer(files.tokenizer, files.tokenizerConfig);
    return new ModelEncoder(tokenizer, await first, start, onEnd);
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model ${source.model} cannot be started: ${String(cause)}. Its file ${source.weightsFile} is truncated or damaged, ` +
        `or is not a feature-extraction model for texts. Replace it. Without 'localPath', delete it to download it again.`,
      { cause },
    );
  }
}
