import { resolve } from 'node:path';
import type { Progress } from '../../domain/calls';
import type { Embedder } from '../embedder';
import { modelEmbedder } from './model-embedder';

/** Where the model is, and which file is the published one. */
export const miniLmSource = {
  model: 'Xenova/all-MiniLM-L6-v2',
  weightsFile: 'onnx/model_quantized.onnx',
  /**
   * Of `weightsFile` as published at https://huggingface.co/Xenova/all-MiniLM-L6-v2: the 8-bit conversion of
   * sentence-transformers/all-MiniLM-L6-v2, under Apache-2.0.
   */
  sha256: 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
};

/** Numbers of a vector: the `hidden_size` of the model's configuration. */
const dimensions = 384;

/**
 * What sentence-transformers/all-MiniLM-L6-v2 reads: the `max_seq_length` of its published configuration, and the longest it
 * was trained on. Its positions reach to 512, but nothing taught it what to make of the second half.
 */
const maxTokens = 256;

/** What `minilm()` takes. */
export interface MiniLmOptions {
  /**
   * A folder of models that holds `Xenova/all-MiniLM-L6-v2/` with `onnx/model_quantized.onnx`, `tokenizer.json` and
   * `tokenizer_config.json`. Nothing is ever downloaded then.
   * Default: the folders and the host in the `env` of transformers.js, which downloads the 23 MB once.
   */
  localPath?: string;
  /** Told in bytes how far the weights are loaded, by the embedder that begins to load them. */
  onProgress?: (progress: Progress) => void;
}

/**
 * Embeds with all-MiniLM-L6-v2 (8-bit, mean pooling, length 1) in this process, by the ONNX runtime of transformers.js. A small
 * English model: 384 numbers, 256 tokens.
 *
 * Needs the optional dependency `@xenova/transformers`. Neither that nor the model is touched before the first text; what then is
 * absent or broken gives EMBEDDER_MISSING, and is looked for again by the next call. All embedders of a process share one model
 * a folder. The settings of transformers.js are read and never changed.
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
    ...(options.localPath === undefined ? {} : { localPath: resolve(options.localPath) }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
}
