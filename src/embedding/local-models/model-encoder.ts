import { availableParallelism } from 'node:os';
import { MemoryError } from '../../domain/errors';
import { type ModelSource, readModelFiles } from './model-files';
import { type ModelTokenizer, modelTokenizer } from './model-tokenizer';
import { ModelWorker, type Pooling, type WorkerAnswer } from './model-worker';
import { onnxRuntimeFile } from './transformers-runtime';

/**
 * The most threads of one model. Each computes with one core: two threads with a text each are faster than one thread that uses two
 * cores for one text. Each has its own copy of the weights, so there are not more.
 */
const maxWorkers = 4;

/** The tasks of a worker: one that it computes, and one to start with while the result of the first is taken. */
const tasksPerWorker = 2;

/** How vectors are made of texts. */
export interface EncodeOptions {
  /** Longer texts are cut at this number, or at the model's own maximum if that is lower. */
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly dimensions: number;
}

/** When texts are computed. */
export interface Schedule {
  readonly signal: AbortSignal | undefined;
  /** Whether to compute them before all texts that wait. */
  readonly first: boolean;
}

interface QueuedTask {
  readonly texts: readonly string[];
  readonly options: EncodeOptions;
  readonly signal: AbortSignal | undefined;
  resolve(answer: WorkerAnswer): void;
  reject(error: unknown): void;
}

// One for each file and process, since every session has its own copy of the weights.
const encoders = new Map<string, Promise<ModelEncoder>>();

/** The encoder of this process for a model. It is loaded with the first call. After a failure the next call loads it again. */
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

/** A loaded model. Its threads take queued tasks in turn. While tasks wait, more threads are started, one after the other. */
export class ModelEncoder {
  readonly #tokenizer: ModelTokenizer;
  readonly #workers: ModelWorker[];
  readonly #queue: QueuedTask[] = [];
  readonly #onEnd: () => void;
  #startNext: Start | undefined;
  #started = 1;

  /** @param onEnd Called when one of its threads has ended. The encoder must not be used after that. */
  constructor(tokenizer: ModelTokenizer, worker: ModelWorker, startNext: Start, onEnd: () => void) {
    this.#tokenizer = tokenizer;
    this.#workers = [worker];
    this.#startNext = startNext;
    this.#onEnd = onEnd;
  }

  /** The unscaled vectors of the texts, one after the other. Rejects with the reason of the signal if it is aborted before a thread starts. */
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

  /** The worker with the fewest tasks, if it can take another. */
  #freeWorker(): ModelWorker | undefined {
    const [worker] = this.#workers.toSorted((a, b) => a.tasks - b.tasks);
    return worker !== undefined && worker.tasks < tasksPerWorker ? worker : undefined;
  }

  async #startAnother(): Promise<void> {
    const start = this.#startNext;
    // Undefined while a thread starts, so that one starts at a time. After the last thread it stays undefined, which frees the weights.
    this.#startNext = undefined;
    if (start === undefined || this.#started >= Math.min(maxWorkers, availableParallelism())) return;
    this.#started++;
    try {
      this.#workers.push(await start());
      this.#startNext = start;
      this.#dispatch();
    } catch {
      // Not enough memory for another thread. The present ones do the work.
    }
  }

  async #run({ texts, options, resolve, reject }: QueuedTask, worker: ModelWorker): Promise<void> {
    const { maxTokens, pooling, dimensions } = options;
    try {
      // Tokenized here and not in `embed`: thousands of texts at once would block the event loop.
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
    // The tokenizer is made meanwhile. A failure of the thread in that time must not be an unhandled rejection.
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
