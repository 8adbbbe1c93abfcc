import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../domain/calls';
import { MemoryError } from '../../domain/errors';
import { startStopwatch } from '../../environment/timers';
import { type DownloadEvent, loadModelHub, type ModelHub } from './transformers-runtime';

/** Which model, and where it comes from. */
export interface ModelSource {
  /** Its name on the Hugging Face Hub, and its folder inside a folder of models. */
  readonly model: string;
  /** The ONNX file inside that folder. */
  readonly weightsFile: string;
  /** Of the ONNX file, in base 16. Without it the file is taken as it is. */
  readonly sha256?: string;
  /** A folder of models, absolute. Without it: the cache of transformers.js, filled by a download. */
  readonly localPath?: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface ModelFiles {
  readonly weights: Uint8Array;
  /** The parsed `tokenizer.json` and `tokenizer_config.json`. */
  readonly tokenizer: unknown;
  readonly tokenizerConfig: TokenizerConfig;
}

/** What is used of `tokenizer_config.json`. */
export interface TokenizerConfig {
  readonly tokenizer_class?: string;
  /** The longest text in tokens; absurdly large where nobody set it. */
  readonly model_max_length?: number;
}

/** Reads the model, or downloads it. EMBEDDER_MISSING when a file is absent, unreadable, or not the published one. */
export async function readModelFiles(source: ModelSource): Promise<ModelFiles> {
  const { localPath, model } = source;
  if (localPath !== undefined)
    return filesIn(join(localPath, model), source, (file) => fromFolder(source, localPath, file));
  const hub = await loadModelHub(model);
  return filesIn(join(hub.env.cacheDir, model), source, (file) => fromCacheOrDownload(hub, source, file));
}

async function filesIn(
  place: string,
  source: ModelSource,
  read: (file: string) => Promise<Uint8Array>,
): Promise<ModelFiles> {
  const weights = await read(source.weightsFile);
  await checkWeights(weights, source, join(place, source.weightsFile));
  const [tokenizer, tokenizerConfig] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map(async (file) => parse(await read(file), join(place, file))),
  );
  return { weights, tokenizer, tokenizerConfig: tokenizerConfig as TokenizerConfig };
}

async function fromFolder({ model, weightsFile }: ModelSource, localPath: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(localPath, model, file));
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model ${model} cannot be read in the folder ${localPath}: ${String(cause)}. ` +
        `'localPath' must hold ${model}/ with ${weightsFile}, tokenizer.json and tokenizer_config.json. ` +
        'Nothing is downloaded into it; without localPath the model is.',
      { cause },
    );
  }
}

async function fromCacheOrDownload(
  hub: ModelHub,
  { model, weightsFile, onProgress }: ModelSource,
  file: string,
): Promise<Uint8Array> {
  // Only the weights are worth a report; and a report of a file sent without its length would make transformers.js print.
  const reported = file === weightsFile && onProgress !== undefined;
  try {
    return await hub.getModelFile(model, file, true, reported ? { progress_callback: reporter(onProgress) } : {});
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model's file ${model}/${file} could not be downloaded: ${String(cause)}. ` +
        `Try again with a connection, or give 'localPath': a folder that holds ${model}/.`,
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

async function checkWeights(weights: Uint8Array, { model, sha256 }: ModelSource, path: string): Promise<void> {
  if (sha256 === undefined) return;
  // Not `createHash`, which would hold the event loop for 30 ms.
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', weights)).toString('hex');
  if (hash === sha256) return;
  throw new MemoryError(
    'EMBEDDER_MISSING',
    `The weights of ${model} at ${path} are not the published ones: ${weights.length} bytes with SHA-256 ${hash}, ` +
      `in place of ${sha256}. The file is truncated, damaged or of another model: ` +
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
