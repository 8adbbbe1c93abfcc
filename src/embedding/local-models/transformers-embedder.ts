import { resolve } from 'node:path';
import { z } from 'zod';
import type { Progress } from '../../domain/calls';
import { defined } from '../../domain/defined';
import { fields, flag, oneOf, parse, progressListener } from '../../domain/parse/shapes';
import type { Embedder } from '../embedder';
import { nameWithPrefix, type Prefix } from '../prefix';
import { modelOptions, nonEmptyString } from '../providers/provider-options';
import { modelEmbedder } from './model-embedder';
import { sha256OfFile } from './model-files';
import type { Pooling } from './model-worker';

/** The options of `transformersEmbedder()`. */
export interface TransformersOptions {
  /** The name of the model on the Hugging Face Hub, which is also its folder inside `localPath`: 'Xenova/bge-small-en-v1.5'. */
  model: string;
  /**
   * The length of a vector, in numbers: `hidden_size` in the `config.json` of the model. With a lower number, vectors are cut to
   * their first numbers and scaled to length 1. Use that only for models trained for it (Matryoshka).
   */
  dimensions: number;
  /** How the model makes one vector of the states of all tokens. Its description says so. Default: 'mean'. */
  pooling?: Pooling;
  /** The text that the model expects before memories and queries. Default: none. */
  prefix?: Prefix;
  /** Tokens: longer texts are split into chunks. The maximum of the model's tokenizer applies if it is lower. Default: 512. */
  maxTokens?: number;
  /** True for the 8-bit weights, `onnx/model_quantized.onnx`. False for the full weights, `onnx/model.onnx`. Default: true. */
  quantized?: boolean;
  /**
   * The SHA-256 of the weights file, 64 lower-case digits of base 16. It is checked when the model is loaded, and is part of the
   * name of the embedding space. Default: the hash of the file in `localPath`, which is read once in a process and takes about 1 ms
   * per megabyte. Without `localPath`, or if the file does not exist yet, the space is named by the path of the file, and a replaced
   * file is not noticed: state the hash then.
   */
  sha256?: string;
  /**
   * A folder that contains `<model>/` with the weights, `tokenizer.json` and `tokenizer_config.json`. With it, nothing is
   * downloaded. Default: the folders and the host in the `env` of transformers.js, which downloads the model once.
   */
  localPath?: string;
  /** Called with the loaded bytes of the weights, by the first embedder that loads them. */
  onProgress?: (progress: Progress) => void;
}

const sha256Form = 'expected 64 lower-case digits of base 16.';
const optionsShape = fields({
  ...modelOptions,
  pooling: oneOf(['mean', 'cls']).exactOptional(),
  quantized: flag.exactOptional(),
  sha256: z
    .string({ error: sha256Form })
    .regex(/^[0-9a-f]{64}$/, { error: sha256Form })
    .exactOptional(),
  localPath: nonEmptyString.exactOptional(),
  onProgress: progressListener.exactOptional(),
});

/**
 * Makes an embedder for a feature-extraction model of transformers.js. It runs in this process.
 *
 * It needs the package `@xenova/transformers`. Package and model are loaded with the first text; only the hash of the weights is
 * read before. If one of them is missing or damaged, calls fail with EMBEDDER_MISSING, and every call tries to load them again. All
 * embedders of a process that use the same file share one model. If the vectors of the model are shorter than `dimensions`, calls
 * fail with EMBEDDER_MISMATCH.
 *
 * The name of the embedding space consists of the model, the hash of its weights (without a hash: their path), the pooling and the
 * document prefix.
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
  } = parse(optionsShape, options, 'options of transformersEmbedder');
  const weightsFile = quantized ? 'onnx/model_quantized.onnx' : 'onnx/model.onnx';
  const sha256 = given.sha256 ?? (localPath && sha256OfFile(resolve(localPath, given.model, weightsFile)));
  const weights = sha256 === undefined ? weightsFile : `sha256:${sha256}`;
  // 'mean' is the default and not part of the name, so that it names the same space whether it is given or not.
  const model = `${given.model} ${weights}${pooling === 'mean' ? '' : ` ${pooling}`}`;
  return modelEmbedder({
    ...given,
    weightsFile,
    space: { model: nameWithPrefix(model, prefix), dimensions: given.dimensions, normalized: true },
    maxTokens,
    pooling,
    prefix,
    ...defined({ sha256, localPath: localPath === undefined ? undefined : resolve(localPath) }),
  });
}
