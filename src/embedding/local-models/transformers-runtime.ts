import { createRequire } from 'node:module';
import { MemoryError } from '../../domain/errors';
import { moduleUrlOf } from '../../environment/module-url';

/** The release that the package depends on, and to which the module names below belong. */
const release = '2.17.2';

/** The part of transformers.js that downloads models. */
export interface ModelHub {
  /** Returns the bytes of a model file: from the folder of local models, from the cache, or downloaded into the cache. */
  getModelFile(
    model: string,
    file: string,
    fatal: true,
    options: { progress_callback?: (event: DownloadEvent) => void },
  ): Promise<Uint8Array>;
  readonly env: { readonly cacheDir: string };
}

/** A progress report of a download. If the status is 'progress', `loaded` and `total` are the numbers of bytes. */
export interface DownloadEvent {
  readonly status: string;
  readonly loaded?: number;
  readonly total?: number;
}

// Imports single modules instead of the entry of the library, which also loads the image library sharp. Sharp is not needed here,
// and it cannot be installed everywhere. The names are not literals inside `import()`, so bundlers neither include nor require the
// package.
const modules = ['utils/hub.js', 'env.js'].map((file) => `@xenova/transformers/src/${file}`);

/**
 * Loads the part of transformers.js that downloads models.
 *
 * @throws EMBEDDER_MISSING with the command that installs the package, if it is not installed.
 */
export async function loadModelHub(model: string): Promise<ModelHub> {
  try {
    const loaded: object[] = await Promise.all(modules.map((module) => import(module)));
    return Object.assign({}, ...loaded);
  } catch (cause) {
    throw notInstalled(model, cause);
  }
}

/**
 * Returns the path of the ONNX runtime, a dependency of transformers.js.
 *
 * @throws EMBEDDER_MISSING with the command that installs the package, if it is not installed.
 */
export function onnxRuntimeFile(model: string): string {
  try {
    const transformers = createRequire(moduleUrlOf(import.meta.url)).resolve('@xenova/transformers/package.json');
    return createRequire(transformers).resolve('onnxruntime-node');
  } catch (cause) {
    throw notInstalled(model, cause);
  }
}

function notInstalled(model: string, cause: unknown): MemoryError {
  const { code } = Object(cause) as { code?: unknown };
  if (code === 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING' || code === 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG') {
    const message =
      `${model} cannot be downloaded here: @xenova/transformers is an ES module, and this sandbox (Jest with its defaults) has no import(). ` +
      `Set 'localPath' to a folder with the model, or run Jest with NODE_OPTIONS=--experimental-vm-modules.`;
    return new MemoryError('EMBEDDER_MISSING', message, { cause });
  }
  const message =
    `${model} needs the package @xenova/transformers, which cannot be loaded: ${String(cause)}. ` +
    `Run: npm install @xenova/transformers@${release} (add --ignore-scripts if its image library sharp fails to install; sharp is not used here).`;
  return new MemoryError('EMBEDDER_MISSING', message, { cause });
}
