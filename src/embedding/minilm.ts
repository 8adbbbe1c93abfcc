import { resolve } from 'node:path';
import type { Call, Progress } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import { nextTurn } from '../environment/turn';
import type { Embedder } from './embedder';
import { dimensions, type MiniLmEncoder, maxTokens, miniLmEncoder } from './minilm-encoder';
import { type MiniLmSource, weightsHash } from './minilm-files';

// The runtime computes in the event loop. After so many characters, about 10 ms, other work gets its turn; after every
// short text would cost a sixth of the speed.
const charactersPerTurn = 1024;

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
 * Texts go through the model one by one. In the 8-bit model a text's vector depends on the texts beside it in a batch (cosine down
 * to 0.97 between alone and among eight), and equal texts must have equal vectors, whoever else is writing.
 *
 * @example
 * ```ts
 * import { minilm } from 'multi-agent-memory';
 * const embedder = minilm({ localPath: './models' });
 * const [vector] = await embedder.embedDocuments(['The refund goes back to the card.'], {});
 * ```
 */
export function minilm(options: MiniLmOptions = {}): Embedder {
  const source: MiniLmSource = {
    ...(options.localPath === undefined ? {} : { localPath: resolve(options.localPath) }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  return {
    space: { model: `Xenova/all-MiniLM-L6-v2 sha256:${weightsHash}`, dimensions, normalized: true },
    maxTokens,
    async embedDocuments(texts, { signal }: Call) {
      const vectors: Float32Array[] = [];
      let read = 0;
      for (const text of texts) {
        if (read > charactersPerTurn) {
          await nextTurn();
          read = 0;
        }
        vectors.push(await embed(source, text, signal));
        read += text.length;
      }
      return vectors;
    },
    embedQuery: (text, { signal }: Call) => embed(source, text, signal),
  };
}

async function embed(source: MiniLmSource, text: string, signal: AbortSignal | undefined): Promise<Float32Array> {
  signal?.throwIfAborted();
  const encoder = await miniLmEncoder(source);
  signal?.throwIfAborted();
  return encode(encoder, text);
}

async function encode(encoder: MiniLmEncoder, text: string): Promise<Float32Array> {
  try {
    return await encoder.encode(text);
  } catch (cause) {
    const message = `all-MiniLM-L6-v2 failed on a text of ${text.length} characters: ${String(cause)}.`;
    throw new MemoryError('EMBEDDING_FAILED', message, { cause });
  }
}
