import { inflateRawSync } from 'node:zlib';
import type { LinearModel } from './linear-model';
import { bias, packedNgrams, ruleWeights, scale, threshold } from './weights.generated';

const unpacked = inflateRawSync(Buffer.from(packedNgrams, 'base64'));

/** The weights that `npm run build:screener` has made. */
export const model: LinearModel = {
  ngrams: new Int8Array(unpacked.buffer, unpacked.byteOffset, unpacked.length),
  scale,
  rules: Float32Array.from(ruleWeights),
  bias,
};

export { threshold };
