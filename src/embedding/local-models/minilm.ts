import { resolve } from 'node:path';
import type { Progress } from '../../domain/calls';
import { defined } from '../../domain/defined';
import type { Embedder } from '../embedder';
import { modelEmbedder } from './model-embedder';

/** The model, and the published file of its weights. */
export const miniLmSource = {
  model: 'Xenova/all-MiniLM-L6-v2',
  weightsFile: 'onnx/model_quantized.onnx',
  /**
   * The hash of `weightsFile` as published at https://huggingface.co/Xenova/all-MiniLM-L6-v2: the 8-bit conversion of
   * sentence-transformers/all-MiniLM-L6-v2, under Apache-2.0.
   */
  sha256: 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
};

/** The length of a vector: the `hidden_size` of the model's configuration. */
const dimensions = 384;

/**
 * The tokens that sentence-transformers/all-MiniLM-L6-v2 reads: the `max_seq_length` of its published configuration. The model has
 * 512 positions, but it was trained on no text that reaches the second half.
 */
const maxTokens = 256;

/** The options of `minilm()`. */
export interface MiniLmOptions {
  /**
   * A folder that contains `Xenova/all-MiniLM-L6-v2/` with `onnx/model_quantized.onnx`, `tokenizer.json` and
   * `tokenizer_config.json`. With it, nothing is downloaded. Default: the folders and the host in the `env` of transformers.js,
   * which downloads 23 MB once.
   */
  localPath?: string;
  /** Called with the loaded bytes of the weights, by the first embedder that loads them. */
  onProgress?: (progress: Progress) => void;
}

/**
 * Makes an embedder for all-MiniLM-L6-v2, a small English model: 384 dimensions, 256 tokens, 8-bit weights, mean pooling. It runs
 * in this process, on the ONNX runtime of transformers.js.
 *
 * It needs the package `@xenova/transformers`. Package and model are loaded with the first text. If one of them is missing or
 * damaged, calls fail with EMBEDDER_MISSING, and every call tries to load them again. All embedders of a process that use the same
 * folder share one model. The settings of transformers.js are read and never changed.
 *
 * @example
 * ```ts
 * import { minilm } from 'multi-agent-memory';
 * const embedder = minilm({ localPath: './models' });
 * const [vector] = await embedder.embedDocuments(['The refund goes back to the card.'], {});
 * ```
 */
export function minilm(options: MiniLmOptions = {}): Embedder {
  return modelEmbedder({
    ...miniLmSource,
    space: { model: `${miniLmSource.model} sha256:${miniLmSource.sha256}`, dimensions, normalized: true },
    maxTokens,
    pooling: 'mean',
    prefix: {},
    ...defined({
      localPath: options.localPath === undefined ? undefined : resolve(options.localPath),
      onProgress: options.onProgress,
    }),
  });
}
