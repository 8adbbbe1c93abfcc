import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The folder that contains `Xenova/all-MiniLM-L6-v2/`: MAM_MODELS, or `shared/models` beside the repository. */
export const modelFolder = resolve(process.env.MAM_MODELS ?? `${repository}/../shared/models`);

const file = 'Xenova/all-MiniLM-L6-v2/onnx/model_quantized.onnx';

/** The reason why tests that need the model are skipped. Undefined if the model is present. */
export const modelIsMissing = existsSync(`${modelFolder}/${file}`)
  ? undefined
  : `there is no ${file} in ${modelFolder}; set MAM_MODELS to a folder that has it`;
