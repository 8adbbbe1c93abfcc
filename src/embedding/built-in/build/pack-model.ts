import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { constants, deflateRawSync } from 'node:zlib';
import { decodeModel, encodeModel, type StaticModel } from '../model-file';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The weights as training made them, in the layout of `encodeModel`. The package does not contain this file. */
export const trainedWeights = here('trained-weights.bin');

/**
 * The first row that is rounded to multiples of `coarseStep`. Rows are in order of word frequency: the exact rows before this one
 * hold 87 % of the word pieces of chat (LoCoMo), and 70 % of those of definitions (WordNet).
 */
export const firstCoarseRow = 5_000;
/**
 * How coarsely rare rows are rounded. It makes the packed file 34 % smaller than exact rows would. Compared with the vectors of
 * exact rows, text vectors have a mean cosine of .998 in chat and .996 in definitions; the lowest of 5,500 such texts has .96.
 * The step is odd, so that no number lies halfway between two multiples of it: such ties would round upwards, and so turn all
 * vectors one way.
 */
export const coarseStep = 5;

/**
 * Packs a model into the bytes that the package contains: rare rows are rounded, then all rows are compressed. Huffman codes
 * alone compress rows better than deflate's search for repeated bytes: the few repetitions that it finds are chance, and cost
 * more than they save. The pieces stay as they are: npm compresses them with the package.
 */
export function packModel({ pieces, rows, dimensions }: StaticModel): Buffer {
  const firstCoarse = firstCoarseRow * dimensions;
  const rounded = rows.map((value, i) => (i < firstCoarse ? value : Math.round(value / coarseStep) * coarseStep));
  const packedRows = deflateRawSync(rounded, { level: 9, memLevel: 9, strategy: constants.Z_HUFFMAN_ONLY });
  return encodeModel({ pieces, rows: new Int8Array(packedRows), dimensions });
}

/** Packs `trained-weights.bin` into ../built-in-model.bin, and names its hash in ../model.generated.ts. */
export async function writePackedModel(): Promise<{ bytes: number; hash: string }> {
  const model = decodeModel(await readFile(trainedWeights));
  const packed = packModel(model);
  const hash = createHash('sha256').update(packed).digest('hex');
  await writeFile(here('../built-in-model.bin'), packed);
  await writeFile(
    here('../model.generated.ts'),
    `// Made by build/pack-model.ts. Do not edit: npm run pack:model\n` +
      `export const modelHash = '${hash}';\nexport const modelDimensions = ${model.dimensions};\n`,
  );
  return { bytes: packed.length, hash };
}
