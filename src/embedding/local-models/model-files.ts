import { createHash, webcrypto } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../domain/calls';
import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import { startStopwatch } from '../../environment/timers';
import { type DownloadEvent, loadModelHub, type ModelHub } from './transformers-runtime';

/** A model and where its files are. */
export interface ModelSource {
  /** The name of the model on the Hugging Face Hub, which is also its folder inside a folder of models. */
  readonly model: string;
  /** The ONNX file inside that folder. */
  readonly weightsFile: string;
  /** The SHA-256 of the ONNX file, in base 16. Without it the file is not checked. */
  readonly sha256?: string;
  /**
   * The absolute path of a folder of models. Without it, the model is read from the cache of transformers.js, after a download if
   * necessary.
   */
  readonly localPath?: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface ModelFiles {
  readonly weights: Uint8Array;
  /** The parsed `tokenizer.json` and `tokenizer_config.json`. */
  readonly tokenizer: unknown;
  readonly tokenizerConfig: TokenizerConfig;
}

/** The fields of `tokenizer_config.json` that are used here. */
export interface TokenizerConfig {
  readonly tokenizer_class?: string;
  /** The longest text in tokens. A very large number if the model has no maximum. */
  readonly model_max_length?: number;
}

/**
 * Reads the files of a model, or downloads them.
 *
 * @throws EMBEDDER_MISSING if a file is missing, cannot be read, or has another hash than expected.
 */
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
    ['tokenizer.json', 'tokenizer_config.json'].map(async (file) => parseJson(await read(file), join(place, file))),
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
        `'localPath' must contain ${model}/ with ${weightsFile}, tokenizer.json and tokenizer_config.json. ` +
        `Nothing is downloaded into it. Omit 'localPath' to download the model.`,
      { cause },
    );
  }
}

async function fromCacheOrDownload(
  hub: ModelHub,
  { model, weightsFile, onProgress }: ModelSource,
  file: string,
): Promise<Uint8Array> {
  // Reports only the weights, because the other files are small. If the length of a file is not known, transformers.js would also
  // print a warning.
  const reported = file === weightsFile && onProgress !== undefined;
  try {
    return await hub.getModelFile(model, file, true, reported ? { progress_callback: reporter(onProgress) } : {});
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model's file ${model}/${file} could not be downloaded: ${String(cause)}. ` +
        `Try again with a network connection, or set 'localPath' to a folder that contains ${model}/.`,
      { cause, retryable: true },
    );
  }
}

function reporter(onProgress: (progress: Progress) => void): (event: DownloadEvent) => void {
  const elapsedMs = startStopwatch();
  return ({ status, loaded: done = 0, total }) => {
    if (status !== 'progress') return;
    const perSecond = (done * 1000) / Math.max(1, elapsedMs());
    onProgress(defined({ phase: 'model', done, failed: 0, total, perSecond }));
  };
}

async function checkWeights(weights: Uint8Array, { model, sha256 }: ModelSource, path: string): Promise<void> {
  if (sha256 === undefined) return;
  // Hashes asynchronously, because `createHash` would block the event loop for 30 ms.
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', weights)).toString('hex');
  if (hash === sha256) return;
  throw new MemoryError(
    'EMBEDDER_MISSING',
    `The weights of ${model} at ${path} are not the expected ones: ${weights.length} bytes with SHA-256 ${hash}, ` +
      `not ${sha256}. The file is truncated, damaged or belongs to another model. ` +
      `Replace it. Without 'localPath', delete it to download it again.`,
  );
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new MemoryError(
      'EMBEDDER_MISSING',
      `The model file ${path} is damaged: ${String(cause)}. Replace it. Without 'localPath', delete it to download it again.`,
      { cause },
    );
  }
}

const bytesPerRead = 1 << 20;
/**
 * The hash of each file that was read, with the size and times of the file then. A file that was replaced has other values and is
 * read again.
 */
const knownHashes = new Map<string, { readonly version: string; readonly hash: string }>();

/**
 * Returns the SHA-256 of a file in base 16, or undefined if the file cannot be read. It is synchronous, because the name of an
 * embedding space must be known before the first text. The first call for a file blocks the event loop for about 1 ms per megabyte.
 */
export function sha256OfFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size, mtimeNs, ctimeNs, ino } = fstatSync(file, { bigint: true });
    const version = [size, mtimeNs, ctimeNs, ino].join(' ');
    const known = knownHashes.get(path);
    if (known?.version === version) return known.hash;
    const hash = hashOf(file);
    knownHashes.set(path, { version, hash });
    return hash;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function hashOf(file: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(bytesPerRead);
  for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
    hash.update(buffer.subarray(0, read));
  return hash.digest('hex');
}
