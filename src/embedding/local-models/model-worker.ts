import { Worker } from 'node:worker_threads';
import type { Pooling } from './pooling';

/** A model as a worker takes it. */
export interface WorkerModel {
  /** The file of onnxruntime-node that can be required. */
  readonly runtime: string;
  readonly weights: Uint8Array;
}

/** Texts to embed one after the other, as the numbers of their tokens. */
export interface WorkerTask {
  readonly tokens: readonly Int32Array[];
  readonly pooling: Pooling;
  /** Numbers of a vector. */
  readonly dimensions: number;
}

/** Directions one after the other, of any length; or how many numbers the model's own vectors have, when that is too few. */
export type WorkerAnswer = { readonly sums: Float32Array } | { readonly size: number };

// A string and not a file: it must run from sources, from either build, and from inside somebody's bundle.
// The three inputs are all that an encoder of texts may ask for, and the runtime refuses what a model does not ask for. The two
// outputs are named by the exporters of Hugging Face and of sentence-transformers. The sums are not divided by the number of
// tokens: the length of a direction means nothing. Severity 4 is fatal only: the runtime writes what it reports to standard error.
// Of a model that it is given as bytes, onnxruntime-node 1.14 looks for the options on the number that says where these begin, and
// not where they are given: so numbers carry them, in this thread, which runs nothing else. Without them each thread would compute
// in as many as there are cores, and two of them get half as much done as one.
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
  if (foreign.length > 0) throw new Error('it asks for ' + foreign.join(', ') + ' beside the tokens of a text');
  const output = outputs.find((name) => session.outputNames.includes(name));
  if (output === undefined) throw new Error('it gives ' + session.outputNames.join(', ') + ', and none of ' + outputs.join(', '));
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
    if (size < dimensions) return { size };
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

/** A model in a thread of its own: the runtime computes in the thread that asks, and would hold the event loop. */
export class ModelWorker {
  readonly #worker: Worker;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #ended: unknown;

  private constructor(model: WorkerModel) {
    this.#worker = new Worker(workerSource, { eval: true, workerData: model, execArgv: [] });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', (code) => this.#end(new Error(`its thread ended with code ${code}`)));
  }

  /** Rejects with what the runtime says when it cannot start the model. */
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

  /** Whether it can take no more tasks. */
  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** How many tasks it has. */
  get tasks(): number {
    return this.#waiting.length;
  }

  /** One task after the other. Rejects with what the runtime throws. */
  run(task: WorkerTask): Promise<WorkerAnswer> {
    this.#worker.postMessage(task);
    return this.#reply() as Promise<WorkerAnswer>;
  }

  /** Keeps the process alive until the reply is there, and no longer. */
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
