import { join } from 'node:path';
import { z } from 'zod';
import type { Progress } from '../../domain/calls';
import { defined } from '../../domain/defined';
import { fields, flag, folderShape, oneOf, parse, progressListener } from '../../domain/parse/shapes';
import type { Embedder } from '../embedder';
import { modelOptions } from '../embedder-options';
import { nameWithPrefix, type Prefix } from '../prefix';
import { modelEmbedder } from './model-embedder';
import { sha256OfFile } from './model-files';
import type { Pooling } from './model-worker';

/** The options of `transformersEmbedder()`. */
export interface TransformersOptions {
  /** The name of the model on the Hugging Face Hub, which is also its folder inside `localPath`: 'Xenova/bge-small-en-v1.5'. */
  model: string;
  /**
   * The length of a vector, in numbers: `hidden_size` in the `config.json` of the model. A lower number cuts the vectors to their
   * first numbers and scales them to length 1. Use a lower number only for models that were trained for it (Matryoshka).
   */
  dimensions: number;
  /** How one vector is made from the states of all tokens. The model card states it. Default: 'mean'. */
  pooling?: Pooling;
  /** The text that the model expects before memories and queries. Default: none. */
  prefix?: Prefix;
  /**
   * The longest text that is embedded as a whole, in tokens. Longer texts are split into chunks. If the maximum of the model's
   * tokenizer is lower, the maximum applies. Default: 512.
   */
  maxTokens?: number;
  /** True: the 8-bit weights, `onnx/model_quantized.onnx`. False: the full weights, `onnx/model.onnx`. Default: true. */
  quantized?: boolean;
  /**
   * The SHA-256 of the weights file, 64 lower-case digits of base 16. It is checked when the model is loaded, and is part of the
   * name of the embedding space. Default: the hash of the file in `localPath`. It is computed once in a process, which takes about 1
   * ms per megabyte. Without `localPath`, or if the file does not exist yet, the space is named by the path of the file instead. A
   * replaced file would then not be noticed, so set `sha256` in these cases.
   */
  sha256?: string;
  /**
   * A folder that contains `<model>/` with the weights, `tokenizer.json` and `tokenizer_config.json`. If it is set, nothing is
   * downloaded. Default: transformers.js finds or downloads the model as its `env` says.
   */
  localPath?: string | URL;
  /**
   * Called while the weights are loaded, with the number of bytes loaded so far. If several embedders share a model, only the
   * embedder that loads the model reports progress.
   */
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
  localPath: folderShape.exactOptional(),
  onProgress: progressListener.exactOptional(),
});

/**
 * Makes an embedder for a feature-extraction model of transformers.js. It runs in this process.
 *
 * It needs the package `@xenova/transformers`. The package and the model are loaded when the first text is embedded; only the hash
 * of the weights is computed earlier. If the package or the model is missing or damaged, calls fail with EMBEDDER_MISSING, and each
 * later call tries to load them again. All embedders in a process that use the same file share one model. If the vectors of the
 * model are shorter than `dimensions`, calls fail with EMBEDDER_MISMATCH.
 *
 * The name of the embedding space consists of the model, the hash of its weights (or their path if the hash is not known), the
 * pooling and the document prefix.
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
  const sha256 = given.sha256 ?? (localPath && sha256OfFile(join(localPath, given.model, weightsFile)));
  const weights = sha256 === undefined ? weightsFile : `sha256:${sha256}`;
  // 'mean' is the default and is not part of the name. So the space has the same name whether 'mean' is passed or not.
  const model = `${given.model} ${weights}${pooling === 'mean' ? '' : ` ${pooling}`}`;
  return modelEmbedder({
    ...given,
    weightsFile,
    space: { model: nameWithPrefix(model, prefix), dimensions: given.dimensions, normalized: true },
    maxTokens,
    pooling,
    prefix,
    ...defined({ sha256, localPath }),
  });
}
