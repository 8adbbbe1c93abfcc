import type { EmbeddingSpace } from '../embedder';
import { modelDimensions, modelHash } from './model.generated';

/** The space of the built-in model of this release. */
export const builtInSpace: EmbeddingSpace = {
  model: `built-in-english sha256:${modelHash}`,
  dimensions: modelDimensions,
  normalized: true,
};
