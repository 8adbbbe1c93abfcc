import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import { startStopwatch } from '../environment/stopwatch';
import type { DownloadEvent, TransformersRuntime } from './transformers-runtime';

/** The model's name on the Hugging Face Hub, and its folder inside a folder of models. */
const modelName = 'Xenova/all-MiniLM-L6-v2';
const weightsFile = 'onnx/model_quantized.onnx';
const weightsBytes = 22_972_370;

/**
 * SHA-256 of `onnx/model_quantized.onnx` as published at https://huggingface.co/Xenova/all-MiniLM-L6-v2: the 8-bit conversion of
 * sentence-transformers/all-MiniLM-L6-v2, under Apache-2.0.
 */
export const weightsHash = 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1';

/** Where the model comes from. */
export interface MiniLmSource {
  /** A folder of models, absolute. Without it: the cache of transformers.js, filled by a download. */
  readonly localPath?: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface MiniLmFiles {
  readonly weights: Uint8Array;
  /** The parsed `tokenizer.json` and `tokenizer_config.json`. */
  readonly tokenizer: unknown;
  readonly tokenizerConfig: unknown;
}

/** Reads the model, or downloads it. EMBEDDER_MISSING when a file is absent, unreadable, or not the published one. */
export async function readMiniLmFiles(runtime: TransformersRuntime, source: MiniLmSource): Promise<MiniLmFiles> {
  const place = source.localPath ?? runtime.env.cacheDir;
  const read = (file: string) =>
    source.localPath === undefined
      ? fromCacheOrDownload(runtime, file, source.onProgress)
      : fromFolder(source.localPath, file);
  const weights = await read(weightsFile);
  await checkWeights(weights, join(place, modelName, weightsFile));
  const [tokenizer, tokenizerConfig] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map(async (file) =>
      parse(await read(file), join(place, modelName, file)),
    ),
  );
  return { weights, tokenizer, tokenizerConfig };
}

async function fromFolder(localPath: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(localPath, modelName, file));
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `minilm() cannot read its model in the folder ${localPath}: ${String(cause)}. ` +
        `'localPath' must hold ${modelName}/ with ${weightsFile}, tokenizer.json and tokenizer_config.json. ` +
        'Nothing is downloaded into it; without localPath the model is.',
      { cause },
    );
  }
}

async function fromCacheOrDownload(
  runtime: TransformersRuntime,
  file: string,
  onProgress: MiniLmSource['onProgress'],
): Promise<Uint8Array> {
  // Only the weights are worth a report; and a report of a file sent without its length would make transformers.js print.
  const reported = file === weightsFile && onProgress !== undefined;
  try {
    return await runtime.getModelFile(
      modelName,
      file,
      true,
      reported ? { progress_callback: reporter(onProgress) } : {},
    );
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `minilm() could not download ${modelName}/${file}: ${String(cause)}. ` +
        `Try again with a connection, or give 'localPath': a folder that holds ${modelName}/.`,
      { cause, retryable: true },
    );
  }
}

function reporter(onProgress: (progress: Progress) => void): (event: DownloadEvent) => void {
  const elapsedMs = startStopwatch();
  return ({ status, loaded: done = 0, total }) => {
    if (status !== 'progress') return;
    const perSecond = (done * 1000) / Math.max(1, elapsedMs());
    onProgress({ phase: 'model', done, failed: 0, ...(total === undefined ? {} : { total }), perSecond });
  };
}

async function checkWeights(weights: Uint8Array, path: string): Promise<void> {
  // Not `createHash`, which would hold the event loop for 30 ms.
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', weights)).toString('hex');
  if (hash === weightsHash) return;
  throw new MemoryError(
    'EMBEDDER_MISSING',
    `The weights of ${modelName} at ${path} are not the published ones: ${weights.length} bytes with SHA-256 ${hash}, ` +
      `in place of ${weightsBytes} bytes with ${weightsHash}. The file is truncated, damaged or of another model: ` +
      `replace it, or delete it to have it downloaded where no 'localPath' is given.`,
  );
}

function parse(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The file ${path} of the model is damaged: ${String(cause)}. Replace it, or delete it to have it downloaded where no 'localPath' is given.`,
      { cause },
    );
  }
}
