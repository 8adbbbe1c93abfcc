import { MemoryError } from '../../domain/errors';
import { withTextFailures } from '../batching/text-failure';
import { checkedVector } from '../checked-vector';
import type { EmbeddingSpace } from '../embedder';

/**
 * What a provider gave for so many texts, as vectors of the space.
 *
 * @throws EMBEDDING_FAILED where vectors are missing (worth another try), or one is none; EMBEDDER_MISMATCH where one has another
 * number of dimensions.
 */
export function providerVectors(given: unknown, count: number, space: EmbeddingSpace): Float32Array[] {
  if (!Array.isArray(given) || given.length !== count) {
    const what = Array.isArray(given) ? `${given.length} vectors` : 'no vectors';
    const message = `The provider of ${space.model} gave ${what} for ${count} texts. Nothing of it was used; try again.`;
    throw new MemoryError('EMBEDDING_FAILED', message, { retryable: true });
  }
  return given.map((one: unknown) => providerVector(one, space));
}

function providerVector(given: unknown, space: EmbeddingSpace): Float32Array {
  const { model, dimensions } = space;
  if ((Array.isArray(given) || given instanceof Float32Array) && given.length !== dimensions) {
    const message =
      `The provider of ${model} gave a vector of ${given.length} numbers, and 'dimensions' is ${dimensions}. Vectors of another ` +
      `space do not compare: ask for the model that the store was made with, or give the dimensions that this one has.`;
    throw new MemoryError('EMBEDDER_MISMATCH', message);
  }
  try {
    return checkedVector(given, space);
  } catch (error) {
    throw MemoryError.is(error) ? withTextFailures(error) : error;
  }
}
