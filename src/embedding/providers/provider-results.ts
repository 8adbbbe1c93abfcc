import { MemoryError } from '../../domain/errors';
import { isFloat32Array } from '../../domain/realms';
import { markTextFailure } from '../../providers/text-failure';
import type { EmbeddingSpace } from '../embedder';
import { checkedVector } from '../results';

/**
 * Checks the vectors that a provider returned for `count` texts, and returns them scaled to length 1.
 *
 * @throws EMBEDDING_FAILED if vectors are missing (retryable) or invalid; EMBEDDER_MISMATCH if the number of dimensions in a vector
 * differs from the space.
 */
export function providerVectors(returned: unknown, count: number, space: EmbeddingSpace): Float32Array[] {
  if (!Array.isArray(returned) || returned.length !== count) {
    const what = Array.isArray(returned) ? `${returned.length} vectors` : 'no array of vectors';
    const message = `The provider of ${space.model} returned ${what} for ${count} texts. None of it was used. Try again.`;
    throw new MemoryError('EMBEDDING_FAILED', message, { retryable: true });
  }
  return returned.map((vector: unknown) => providerVector(vector, space));
}

function providerVector(returned: unknown, space: EmbeddingSpace): Float32Array {
  const { model, dimensions } = space;
  if ((Array.isArray(returned) || isFloat32Array(returned)) && returned.length !== dimensions) {
    const message =
      `The provider of ${model} returned a vector of ${returned.length} numbers, but 'dimensions' is ${dimensions}. ` +
      `Set 'dimensions' to ${returned.length}, or use the model that the store was made with.`;
    throw new MemoryError('EMBEDDER_MISMATCH', message);
  }
  try {
    return checkedVector(returned, space);
  } catch (error) {
    throw MemoryError.is(error) ? markTextFailure(error) : error;
  }
}
