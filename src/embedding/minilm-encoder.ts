import { MemoryError } from '../domain/errors';
import { type MiniLmFiles, type MiniLmSource, readMiniLmFiles } from './minilm-files';
import { loadTransformersRuntime, type TransformersRuntime } from './transformers-runtime';

/**
 * What sentence-transformers/all-MiniLM-L6-v2 reads: the `max_seq_length` of its published configuration, and the longest it
 * was trained on. Its positions reach to 512, but nothing taught it what to make of the second half.
 */
export const maxTokens = 256;
/** Numbers of a vector: the `hidden_size` of the model's configuration. */
export const dimensions = 384;

// WordPiece reads a longer word as one unknown token (`max_input_chars_per_word` in tokenizer.json), so what stands
// beyond maxTokens such words is out of reach. Only blanks and control characters count for less.
const longestWord = 100;

/** A loaded model. Vectors are mean-pooled over the tokens and have length 1. Texts are cut at `maxTokens`. */
export interface MiniLmEncoder {
  encode(text: string): Promise<Float32Array>;
}

// One per folder in a process: a session holds the weights in memory a second time.
const encoders = new Map<string, Promise<MiniLmEncoder>>();

/** The process's encoder for that source, loaded on first use. A failed load is tried again by the next call. */
export function miniLmEncoder(source: MiniLmSource): Promise<MiniLmEncoder> {
  const key = source.localPath ?? '';
  const known = encoders.get(key);
  if (known !== undefined) return known;
  const loading = load(source);
  encoders.set(key, loading);
  loading.catch(() => encoders.delete(key));
  return loading;
}

async function load(source: MiniLmSource): Promise<MiniLmEncoder> {
  const runtime = await loadTransformersRuntime();
  const files = await readMiniLmFiles(runtime, source);
  try {
    return await start(runtime, files);
  } catch (cause) {
    throw new MemoryError('EMBEDDER_MISSING', `minilm() cannot start its model: ${String(cause)}.`, { cause });
  }
}

async function start({ BertTokenizer, ONNX }: TransformersRuntime, files: MiniLmFiles): Promise<MiniLmEncoder> {
  const tokenizer = new BertTokenizer(files.tokenizer, files.tokenizerConfig);
  const session = await ONNX.InferenceSession.create(files.weights, {
    executionProviders: ['cpu'],
    // Fatal only: the runtime writes what it reports to standard error.
    logSeverityLevel: 4,
  });
  return {
    async encode(text) {
      const tokens = cutToLength(tokenizer.encode(text.slice(0, maxTokens * longestWord)));
      const tensor = (values: BigInt64Array) => new ONNX.Tensor('int64', values, [1, tokens.length]);
      const { last_hidden_state: states } = await session.run({
        input_ids: tensor(BigInt64Array.from(tokens, BigInt)),
        attention_mask: tensor(new BigInt64Array(tokens.length).fill(1n)),
        token_type_ids: tensor(new BigInt64Array(tokens.length)),
      });
      return meanDirection(states!.data as Float32Array);
    },
  };
}

// The last token marks the end of the text, and stays.
function cutToLength(tokens: readonly number[]): readonly number[] {
  return tokens.length > maxTokens ? [...tokens.slice(0, maxTokens - 1), tokens.at(-1)!] : tokens;
}

// The mean over the tokens, scaled to length 1. The number of tokens cancels out.
function meanDirection(states: Float32Array): Float32Array {
  const sum = new Float32Array(dimensions);
  for (let row = 0; row < states.length; row += dimensions) {
    for (let i = 0; i < dimensions; i++) sum[i] = sum[i]! + states[row + i]!;
  }
  let squares = 0;
  for (const value of sum) squares += value * value;
  const length = Math.sqrt(squares);
  return sum.map((value) => value / length);
}
