import type { Progress } from '../../domain/calls';
import { defined } from '../../domain/defined';
import { folderPath } from '../../domain/folder-path';
import type { Embedder } from '../embedder';
import { modelEmbedder } from './model-embedder';

/** The name of the model, and the published file of its weights. */
export const miniLmSource = {
  model: 'Xenova/all-MiniLM-L6-v2',
  weightsFile: 'onnx/model_quantized.onnx',
  /**
   * The hash of `weightsFile` as published at https://huggingface.co/Xenova/all-MiniLM-L6-v2. The file is the 8-bit conversion of
   * sentence-transformers/all-MiniLM-L6-v2, licensed under Apache-2.0.
   */
  sha256: 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
};

/** The length of a vector: `hidden_size` in the configuration of the model. */
const dimensions = 384;

/**
 * The number of tokens that sentence-transformers/all-MiniLM-L6-v2 reads: `max_seq_length` in its published configuration. The model
 * has 512 positions, but no training text was long enough to reach the second half.
 */
const maxTokens = 256;

/** The options of `minilm()`. */
export interface MiniLmOptions {
  /**
   * A folder that contains `Xenova/all-MiniLM-L6-v2/` with `onnx/model_quantized.onnx`, `tokenizer.json` and
   * `tokenizer_config.json`. If it is set, nothing is downloaded. Default: transformers.js finds or downloads the model (23 MB,
   * once) as its `env` says.
   */
  localPath?: string | URL;
  /**
   * Called while the weights are loaded, with the number of bytes loaded so far. If several embedders share a model, only the
   * embedder that loads the model reports progress.
   */
  onProgress?: (progress: Progress) => void;
}

/**
 * Makes an embedder for all-MiniLM-L6-v2, a small English model: 384 dimensions, 256 tokens, 8-bit weights, mean pooling. It runs
 * in this process, on the ONNX runtime of transformers.js.
 *
 * It needs the package `@xenova/transformers`. The package and the model are loaded when the first text is embedded. If one of them
 * is missing or damaged, calls fail with EMBEDDER_MISSING, and each later call tries to load them again. All embedders in a process
 * that use the same folder share one model. The settings of transformers.js are read but never changed.
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
      localPath: options.localPath === undefined ? undefined : folderPath(options.localPath, 'localPath'),
      onProgress: options.onProgress,
    }),
  });
}
