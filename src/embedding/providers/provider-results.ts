import { MemoryError } from '../../domain/errors';
import { isFloat32Array } from '../../domain/realms';
import type { EmbeddingSpace } from '../embedder';
import { checkedVector, markTextFailure } from '../results';
import { isTemporaryFailure } from '../temporary-failure';
import { redactError, rootMessage } from './redact';

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

/** The fields that client libraries add to their errors. */
interface ClientError {
  /** The HTTP status: set by the AI SDK, and by the clients that LangChain wraps. */
  readonly statusCode?: unknown;
  readonly status?: unknown;
}

/**
 * Converts an error that a client library threw to a `MemoryError`. Keeps only the redacted message, because the errors of these
 * libraries contain the whole request: its headers, and the texts of all callers in the batch.
 */
export function clientFailure(thrown: unknown, model: string, texts: readonly string[]): MemoryError {
  const found = Object(thrown) as ClientError;
  const status = [found.statusCode, found.status].find((each) => typeof each === 'number') as number | undefined;
  if (status === 401 || status === 403) {
    // Leaves out the message, because it may quote the key, which is not known here.
    const message = `The embedding model ${model} failed (${status}). The API key was rejected. Use a key that has access to this model.`;
    return new MemoryError('EMBEDDING_FAILED', message);
  }
  const retryable = isTemporaryFailure(thrown);
  const cause = redactError(thrown, { secrets: [], texts });
  const details = [...(status === undefined ? [] : [status]), rootMessage(cause)].join(', ');
  const advice = retryable
    ? 'The fault may be temporary. Try again later.'
    : 'Check the model, its API key, its options and the text.';
  const code = status === 404 ? 'EMBEDDER_MISSING' : 'EMBEDDING_FAILED';
  const error = new MemoryError(code, `The embedding model ${model} failed (${details}). ${advice}`, {
    cause,
    retryable,
  });
  return status === 400 || status === 413 || status === 422 ? markTextFailure(error) : error;
}
