import { createRequire } from 'node:module';
import { MemoryError } from '../../domain/errors';

/** The release that the package declares as its optional dependency, and whose modules are named below. */
const release = '2.17.2';

/** What is used of transformers.js to download a model. */
export interface ModelHub {
  /** The bytes of a model's file: from the folder of local models, from the cache, or downloaded into the cache. */
  getModelFile(
    model: string,
    file: string,
    fatal: true,
    options: { progress_callback?: (event: DownloadEvent) => void },
  ): Promise<Uint8Array>;
  readonly env: { readonly cacheDir: string };
}

/** One report of a download. `loaded` and `total` are bytes, present when the status is 'progress'. */
export interface DownloadEvent {
  readonly status: string;
  readonly loaded?: number;
  readonly total?: number;
}

// Modules of the library and not its entry: that one also loads an image library (sharp) which nothing here needs, and which
// cannot be installed everywhere. Not literals in `import()`: a bundler must neither demand nor swallow an optional dependency.
const modules = ['utils/hub.js', 'env.js'].map((file) => `@xenova/transformers/src/${file}`);

/** Loads what downloads a model. EMBEDDER_MISSING, with the command that installs it, where that is not possible. */
export async function loadModelHub(model: string): Promise<ModelHub> {
  try {
    const loaded: object[] = await Promise.all(modules.map((module) => import(module)));
    return Object.assign({}, ...loaded);
  } catch (cause) {
    throw notInstalled(model, cause);
  }
}

/** The file of the ONNX runtime that transformers.js brings. EMBEDDER_MISSING, with the command that installs it, where it is not. */
export function onnxRuntimeFile(model: string): string {
  try {
    const transformers = createRequire(import.meta.url).resolve('@xenova/transformers/package.json');
    return createRequire(transformers).resolve('onnxruntime-node');
  } catch (cause) {
    throw notInstalled(model, cause);
  }
}

function notInstalled(model: string, cause: unknown): MemoryError {
  const message =
    `${model} needs the optional dependency @xenova/transformers, and it cannot be loaded: ${String(cause)}. ` +
    `Run: npm install @xenova/transformers@${release} (add --ignore-scripts where its image library sharp fails to install; it is not used here).`;
  return new MemoryError('EMBEDDER_MISSING', message, { cause });
}
