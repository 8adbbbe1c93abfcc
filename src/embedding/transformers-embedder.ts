import { resolve } from 'node:path';
import type { Progress } from '../domain/calls';
import { parse } from '../domain/parse/parse';
import type { Embedder } from './embedder';
import { modelEmbedder } from './model-embedder';
import type { Pooling } from './pooling';
import { nameWithPrefix, type Prefix } from './prefix';
import { transformersShape } from './provider-options';

/** What `transformersEmbedder()` takes. */
export interface TransformersOptions {
  /** The model's name on the Hugging Face Hub, and its folder inside `localPath`: 'Xenova/bge-small-en-v1.5'. */
  model: string;
  /**
   * Numbers of a vector. Has to be known before the model is loaded; as `hidden_size` it stands in the model's `config.json`.
   * With less, vectors are cut to their first numbers and brought to length 1 again: only for models made for that (Matryoshka).
   */
  dimensions: number;
  /** Which of the two the model was trained for. Default: 'mean'. */
  pooling?: Pooling;
  /** What the model was trained to see before memories and questions. Default: nothing. */
  prefix?: Prefix;
  /** Longer texts are embedded in parts. Cut down to what the model's tokenizer says. Default: 512. */
  maxTokens?: number;
  /** The 8-bit weights, `onnx/model_quantized.onnx`, or the whole ones, `onnx/model.onnx`. Default: true. */
  quantized?: boolean;
  /**
   * SHA-256 of that file in base 16. It is then checked when the model is loaded, and names the embedding space. Without it a
   * file that is replaced by another one under the same name goes unnoticed, and its vectors are mixed with the old ones.
   */
  sha256?: string;
  /**
   * A folder of models, which holds `<model>/` with the weights, `tokenizer.json` and `tokenizer_config.json`. Nothing is ever
   * downloaded then. Default: the folders and the host in the `env` of transformers.js, which downloads the model once.
   */
  localPath?: string;
  /** Told in bytes how far the weights are loaded, by the embedder that begins to load them. */
  onProgress?: (progress: Progress) => void;
}

/**
 * Embeds with a feature-extraction model of transformers.js in this process. Needs the optional dependency
 * `@xenova/transformers`. Neither that nor the model is touched before the first text; what then is absent or broken gives
 * EMBEDDER_MISSING, and is looked for again by the next call. Embedders of a process that name the same file share one loaded model.
 * A model whose vectors are shorter than `dimensions` gives EMBEDDER_MISMATCH.
 *
 * The space is named by the model, its hash (or file, without `sha256`), its pooling and what stands before documents.
 *
 * @throws INVALID_INPUT with every issue.
 * @example
 * ```ts
 * import { transformersEmbedder } from 'multi-agent-memory';
 * const embedder = transformersEmbedder({
 *   model: 'Xenova/multilingual-e5-small',
 *   dimensions: 384,
 *   prefix: { query: 'query: ', document: 'passage: ' },
 *   localPath: './models',
 * });
 * ```
 */
export function transformersEmbedder(options: TransformersOptions): Embedder {
  const {
    quantized = true,
    localPath,
    pooling = 'mean',
    prefix = {},
    maxTokens = 512,
    ...given
  } = parse(transformersShape, options, 'The options of transformersEmbedder');
  const weightsFile = quantized ? 'onnx/model_quantized.onnx' : 'onnx/model.onnx';
  const weights = given.sha256 === undefined ? weightsFile : `sha256:${given.sha256}`;
  // The mean goes without saying, so that a model that is named both ways is one space.
  const model = `${given.model} ${weights}${pooling === 'mean' ? '' : ` ${pooling}`}`;
  return modelEmbedder({
    ...given,
    weightsFile,
    space: { model: nameWithPrefix(model, prefix), dimensions: given.dimensions, normalized: true },
    maxTokens,
    pooling,
    prefix,
    ...(localPath === undefined ? {} : { localPath: resolve(localPath) }),
  });
}
