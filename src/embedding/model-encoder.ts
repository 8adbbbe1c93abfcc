import { MemoryError } from '../domain/errors';
import { type ModelFiles, type ModelSource, readModelFiles, type TokenizerConfig } from './model-files';
import {
  type InferenceSession,
  loadTransformersRuntime,
  type TokenizerClass,
  type TransformersRuntime,
} from './transformers-runtime';

// WordPiece reads a longer word as one unknown token (`max_input_chars_per_word` in tokenizer.json), and tokens of other
// tokenizers are shorter, so what stands beyond so many of them is out of reach. Only blanks and control characters count for less.
const longestWord = 100;

/** What an encoder of texts may ask for. A model that wants more is of another kind. */
const inputs = ['input_ids', 'attention_mask', 'token_type_ids'];
/** What an encoder of texts calls the states of its tokens: by the exporters of Hugging Face and of sentence-transformers. */
const outputs = ['last_hidden_state', 'token_embeddings'];

/** What a model makes of a text: a state for each token, one after the other. */
export interface TokenStates {
  readonly states: Float32Array;
  /** Numbers of one state. */
  readonly size: number;
}

/** A loaded model. */
export interface ModelEncoder {
  /** The states of the text's tokens. Texts are cut at `maxTokens`, or sooner where the model reads less. */
  encode(text: string, maxTokens: number): Promise<TokenStates>;
}

// One per file in a process: a session holds the weights in memory a second time.
const encoders = new Map<string, Promise<ModelEncoder>>();

/** The process's encoder for that source, loaded on first use. A failed load is tried again by the next call. */
export function modelEncoder(source: ModelSource): Promise<ModelEncoder> {
  const { localPath, model, weightsFile, sha256 } = source;
  const key = JSON.stringify([localPath, model, weightsFile, sha256]);
  const known = encoders.get(key);
  if (known !== undefined) return known;
  const loading = load(source);
  encoders.set(key, loading);
  loading.catch(() => encoders.delete(key));
  return loading;
}

async function load(source: ModelSource): Promise<ModelEncoder> {
  const runtime = await loadTransformersRuntime(source.model);
  const files = await readModelFiles(runtime, source);
  try {
    return await start(runtime, files);
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model ${source.model} cannot be started: ${String(cause)}. Its file ${source.weightsFile} is truncated, damaged, ` +
        `or no feature-extraction model for texts: replace it, or delete it to have it downloaded where no 'localPath' is given.`,
      { cause },
    );
  }
}

async function start(runtime: TransformersRuntime, files: ModelFiles): Promise<ModelEncoder> {
  const { tokenizerConfig } = files;
  const Tokenizer = tokenizerClass(runtime, tokenizerConfig);
  const tokenizer = new Tokenizer(files.tokenizer, tokenizerConfig);
  const { InferenceSession, Tensor } = runtime.ONNX;
  const session = await InferenceSession.create(files.weights, {
    executionProviders: ['cpu'],
    // Fatal only: the runtime writes what it reports to standard error.
    logSeverityLevel: 4,
  });
  const output = outputOf(session);
  const longest = tokenizerConfig.model_max_length ?? Number.POSITIVE_INFINITY;
  return {
    async encode(text, maxTokens) {
      const tokens = cutToLength(
        tokenizer.encode(text.slice(0, maxTokens * longestWord)),
        Math.min(maxTokens, longest),
      );
      const tensor = (values: BigInt64Array) => new Tensor('int64', values, [1, tokens.length]);
      const feeds = {
        input_ids: tensor(BigInt64Array.from(tokens, BigInt)),
        attention_mask: tensor(new BigInt64Array(tokens.length).fill(1n)),
        token_type_ids: tensor(new BigInt64Array(tokens.length)),
      };
      // The runtime refuses what a model does not ask for.
      const asked = Object.entries(feeds).filter(([name]) => session.inputNames.includes(name));
      const { [output]: states } = await session.run(Object.fromEntries(asked));
      return { states: states!.data as Float32Array, size: states!.dims.at(-1)! };
    },
  };
}

function tokenizerClass(
  { AutoTokenizer, PreTrainedTokenizer }: TransformersRuntime,
  config: TokenizerConfig,
): TokenizerClass {
  // As transformers.js looks it up: fast tokenizers are the same ones by another name.
  const name = config.tokenizer_class?.replace(/Fast$/, '') ?? '';
  return AutoTokenizer.TOKENIZER_CLASS_MAPPING[name] ?? PreTrainedTokenizer;
}

function outputOf({ inputNames, outputNames }: InferenceSession): string {
  const foreign = inputNames.filter((name) => !inputs.includes(name));
  if (foreign.length > 0) throw new Error(`it asks for ${foreign.join(', ')} beside the tokens of a text`);
  const output = outputs.find((name) => outputNames.includes(name));
  if (output === undefined) throw new Error(`it gives ${outputNames.join(', ')}, and none of ${outputs.join(', ')}`);
  return output;
}

// The last token marks the end of the text, and stays.
function cutToLength(tokens: readonly number[], maxTokens: number): readonly number[] {
  return tokens.length > maxTokens ? [...tokens.slice(0, maxTokens - 1), tokens.at(-1)!] : tokens;
}
