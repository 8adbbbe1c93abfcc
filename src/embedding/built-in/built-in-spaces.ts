import type { EmbeddingSpace } from '../embedder';
import { modelDimensions, modelHash } from './model.generated';

/** The embedding space of the built-in model in this release. */
export const builtInSpace = spaceOf(modelHash);

/**
 * The spaces of earlier built-in models whose vectors are close enough to those of the current model. While a store moves to the
 * current space, the current model can search these spaces and add vectors to them.
 *
 * - `4f9f…`: the same trained weights without rounding, as in `build/trained-weights.bin`. The two vectors of a sentence have a
 *   cosine of .96 to 1, so searches find the same memories, except for near ties.
 */
export const compatibleSpaces: readonly EmbeddingSpace[] = [
  spaceOf('4f9fda5a6f5be1c2d84a3b815b80c8d2f4021a3c6c703395a7313f5b7be372d0'),
];

function spaceOf(hash: string): EmbeddingSpace {
  return { model: `built-in-english sha256:${hash}`, dimensions: modelDimensions, normalized: true };
}
