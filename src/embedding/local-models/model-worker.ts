import { Worker } from 'node:worker_threads';

/**
 * How one vector is made from the states of all tokens of a text. 'mean': their average. 'cls': the state of the first token, which
 * models of the BERT family call CLS. The model card states for which one the model was trained.
 */
export type Pooling = 'mean' | 'cls';

/** The model that a worker loads. */
export interface WorkerModel {
  /** The path of the module onnxruntime-node. */
  readonly runtime: string;
  readonly weights: Uint8Array;
}

/** Texts to embed, one after the other. */
export interface WorkerTask {
  /** The token ids of each text. */
  readonly tokens: readonly Int32Array[];
  readonly pooling: Pooling;
  /**
   * The length of a vector. If the vector of the model is longer, only its first numbers are used. That works for models whose
   * vectors can be shortened (Matryoshka Representation Learning, https://arxiv.org/abs/2205.13147).
   */
  readonly dimensions: number;
}

/**
 * The vectors, one after the other and not scaled to length 1. If the vectors of the model are too short: only their length,
 * `hiddenSize`.
 */
export type WorkerAnswer = { readonly sums: Float32Array } | { readonly hiddenSize: number };

// The source of the worker is a string instead of a file, so that it runs from the sources, from both builds and inside a bundle.
// - A text encoder has only these three inputs. An input is passed only if the model has it, because the runtime rejects others.
// - The two names of the output are those that the exporters of Hugging Face and of sentence-transformers use.
// - The sums are not divided by the number of tokens, because only the direction of a vector matters.
// - Severity 4 means fatal errors only. The runtime writes its reports to standard error.
// - `Number.prototype` gets the options because of a fault in onnxruntime-node 1.14. If a model is passed as bytes, the runtime does
//   not read the options object: it reads the options as properties of a number, the offset of the bytes. Without the options each
//   thread would compute on all cores, and two threads together would do half the work of one. The change affects only this thread,
//   which runs nothing else.
const workerSource = `
const { parentPort, workerData } = require('node:worker_threads');
const { InferenceSession, Tensor } = require(workerData.runtime);
const inputs = ['input_ids', 'attention_mask', 'token_type_ids'];
const outputs = ['last_hidden_state', 'token_embeddings'];
const options = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 };
Object.assign(Number.prototype, options);
async function start() {
  const session = await InferenceSession.create(workerData.weights, options);
  const foreign = session.inputNames.filter((name) => !inputs.includes(name));
  if (foreign.length > 0) throw new Error('the model needs the inputs ' + foreign.join(', ') + ', which a text does not have');
  const output = outputs.find((name) => session.outputNames.includes(name));
  if (output === undefined) throw new Error('the model has the outputs ' + session.outputNames.join(', ') + ', but none of ' + outputs.join(', '));
  return { session, output };
}
async function statesOf({ session, output }, tokens) {
  const tensor = (values) => new Tensor('int64', values, [1, tokens.length]);
  const feeds = {};
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = tensor(BigInt64Array.from(tokens, BigInt));
    else feeds[name] = tensor(new BigInt64Array(tokens.length).fill(name === 'attention_mask' ? 1n : 0n));
  }
  return (await session.run(feeds, { logSeverityLevel: 4 }))[output];
}
async function embed(model, { tokens, pooling, dimensions }) {
  const sums = new Float32Array(tokens.length * dimensions);
  for (let text = 0; text < tokens.length; text++) {
    const { data, dims } = await statesOf(model, tokens[text]);
    const size = dims[dims.length - 1];
    if (size < dimensions) return { hiddenSize: size };
    const end = pooling === 'cls' ? size : data.length;
    for (let row = 0; row < end; row += size) {
      for (let i = 0, at = text * dimensions; i < dimensions; i++, at++) sums[at] += data[row + i];
    }
  }
  return { sums };
}
start().then((model) => {
  workerData.weights = undefined;
  let last = Promise.resolve();
  const answered = async (task) => {
    try {
      const answer = await embed(model, task);
      parentPort.postMessage({ answer }, answer.sums === undefined ? [] : [answer.sums.buffer]);
    } catch (error) { parentPort.postMessage({ error }); }
  };
  parentPort.on('message', (task) => { last = last.then(() => answered(task)); });
  parentPort.postMessage({});
}, (error) => parentPort.postMessage({ error }));
`;

interface Reply {
  readonly answer?: WorkerAnswer;
  readonly error?: unknown;
}

/** Runs a model in a worker thread. The runtime computes in the thread that calls it, which would block the event loop. */
export class ModelWorker {
  readonly #worker: Worker;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #ended: unknown;

  private constructor(model: WorkerModel) {
    this.#worker = new Worker(workerSource, { eval: true, workerData: model, execArgv: [] });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', (code) => this.#end(new Error(`the worker thread exited with code ${code}`)));
  }

  /** Starts a thread and loads the model. Rejects with the error of the runtime if the model cannot be loaded. */
  static async start(model: WorkerModel): Promise<ModelWorker> {
    const worker = new ModelWorker(model);
    try {
      await worker.#reply();
      return worker;
    } catch (error) {
      void worker.#worker.terminate();
      throw error;
    }
  }

  /** Whether the thread has ended, so that it accepts no more tasks. */
  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** The number of tasks that the thread has not finished. */
  get tasks(): number {
    return this.#waiting.length;
  }

  /** Computes a task after all earlier ones. Rejects with the error of the runtime. */
  run(task: WorkerTask): Promise<WorkerAnswer> {
    this.#worker.postMessage(task);
    return this.#reply() as Promise<WorkerAnswer>;
  }

  /** Waits for the next reply. The thread keeps the process alive only until then. */
  async #reply(): Promise<WorkerAnswer | undefined> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#worker.ref();
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.push(resolve);
    });
    if (this.#waiting.length === 0) this.#worker.unref();
    if ('error' in reply) throw reply.error;
    return reply.answer;
  }

  #end(error: unknown): void {
    this.#ended ??= error;
    while (this.#waiting.length > 0) this.#settle({ error: this.#ended });
  }

  #settle(reply: Reply): void {
    this.#waiting.shift()?.(reply);
  }
}
