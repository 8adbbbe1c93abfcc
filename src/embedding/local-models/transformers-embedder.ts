import { resolve } from 'node:path';
import type { Progress } from '../../domain/calls';
import { parse } from '../../domain/parse/parse';
import type { Embedder } from '../embedder';
import { nameWithPrefix, type Prefix } from '../prefix';
import { transformersShape } from '../providers/provider-options';
import { modelEmbedder } from './model-embedder';
import type { Pooling } from './pooling';
import { sha256OfFile } from './weights-hash';

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
   * SHA-256 of that file in base 16. It is checked when the model is loaded, and names the embedding space. Default: that of
   * the file in `localPath`, read once in a process, about a millisecond a megabyte. Without `localPath`, or where there is no
   * such file yet, the space is named by the file alone, and a replaced file goes unnoticed: give it there.
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
 * `@xenova/transformers`. That is not touched before the first text, and of the model only the hash of its weights is taken; what
 * is absent or broken gives EMBEDDER_MISSING with the first text, and is looked for again by the next call. Embedders of a process that name the same file share one loaded model.
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
  } = parse(transformersShape, options, 'options of transformersEmbedder');
  const weightsFile = quantized ? 'onnx/model_quantized.onnx' : 'onnx/model.onnx';
  const sha256 = given.sha256 ?? (localPath && sha256OfFile(resolve(localPath, given.model, weightsFile)));
  const weights = sha256 === undefined ? weightsFile : `sha256:${sha256}`;
  // The mean goes without saying, so that a model that is named both ways is one space.
  const model = `${given.model} ${weights}${pooling === 'mean' ? '' : ` ${pooling}`}`;
  return modelEmbedder({
    ...given,
    weightsFile,
    ...(sha256 === undefined ? {} : { sha256 }),
    space: { model: nameWithPrefix(model, prefix), dimensions: given.dimensions, normalized: true },
    maxTokens,
    pooling,
    prefix,
    ...(localPath === undefined ? {} : { localPath: resolve(localPath) }),
  });
}
