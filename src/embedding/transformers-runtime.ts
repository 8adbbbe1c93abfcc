import { MemoryError } from '../domain/errors';

/** The release that the package declares as its optional dependency, and whose modules are named below. */
const release = '2.17.2';

/** Made of the parsed `tokenizer.json` and `tokenizer_config.json`. */
export type TokenizerClass = new (
  tokenizer: unknown,
  config: unknown,
) => {
  /** Token numbers, with those that mark beginning and end. */
  encode(text: string): number[];
};

/** What is used of transformers.js: its tokenizers, its download cache, and the ONNX runtime that it brings. */
export interface TransformersRuntime {
  /** The tokenizers, by the names that models know them by. */
  readonly AutoTokenizer: { readonly TOKENIZER_CLASS_MAPPING: Readonly<Record<string, TokenizerClass>> };
  readonly PreTrainedTokenizer: TokenizerClass;
  /** The bytes of a model's file: from the folder of local models, from the cache, or downloaded into the cache. */
  getModelFile(
    model: string,
    file: string,
    fatal: true,
    options: { progress_callback?: (event: DownloadEvent) => void },
  ): Promise<Uint8Array>;
  readonly env: { readonly cacheDir: string };
  readonly ONNX: {
    readonly InferenceSession: {
      create(
        weights: Uint8Array,
        options: { executionProviders: readonly string[]; logSeverityLevel: 4 },
      ): Promise<InferenceSession>;
    };
    readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => OnnxTensor;
  };
}

export interface OnnxTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
}

/** One report of a download. `loaded` and `total` are bytes, present when the status is 'progress'. */
export interface DownloadEvent {
  readonly status: string;
  readonly loaded?: number;
  readonly total?: number;
}

// Modules of the library and not its entry: that one also loads an image library (sharp) which nothing here needs, and which
// cannot be installed everywhere. Not literals in `import()`: a bundler must neither demand nor swallow an optional dependency.
const modules = ['tokenizers.js', 'utils/hub.js', 'env.js', 'backends/onnx.js'].map(
  (file) => `@xenova/transformers/src/${file}`,
);

/** Loads transformers.js for a model. EMBEDDER_MISSING, with the command that installs it, where that is not possible. */
export async function loadTransformersRuntime(model: string): Promise<TransformersRuntime> {
  try {
    const loaded: object[] = await Promise.all(modules.map((module) => import(module)));
    return Object.assign({}, ...loaded);
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `${model} needs the optional dependency @xenova/transformers, and it cannot be loaded: ${String(cause)}. ` +
        `Run: npm install @xenova/transformers@${release} (add --ignore-scripts where its image library sharp fails to install; it is not used here).`,
      { cause },
    );
  }
}
