import { MemoryError } from '../domain/errors';
import { isError, isFloat32Array } from '../domain/realms';
import { isTemporaryFailure } from '../providers/temporary-failure';
import type { EmbeddingSpace } from './embedder';

/**
 * Checks the vector that an embedder returned for one text, and returns a copy scaled to length 1.
 *
 * @throws EMBEDDING_FAILED if it is not a vector of the space: a wrong type, a wrong number of dimensions, a number that is not
 * finite, or only zeros, which have no direction.
 */
export function checkedVector(returned: unknown, { model, dimensions }: EmbeddingSpace): Float32Array {
  const failed = (what: string) => new MemoryError('EMBEDDING_FAILED', `The embedder ${model} returned ${what}.`);
  // Accepts arrays of numbers too, because vectors that were parsed from JSON are arrays.
  if (!(isFloat32Array(returned) || Array.isArray(returned))) throw failed('a value that is not a Float32Array');
  if (returned.length !== dimensions)
    throw failed(`a vector of ${returned.length} numbers. Vectors of its space have ${dimensions}`);
  // Checks the types first, because `Float32Array.from` would convert null to 0 and '5' to 5.
  for (const value of returned)
    if (typeof value !== 'number') throw failed('a vector with an element that is not a number');
  const vector = Float32Array.from(returned);
  let squares = 0;
  for (const value of vector) squares += value * value;
  // A sum of squares of 32-bit floats cannot overflow a double.
  if (!Number.isFinite(squares)) throw failed('a vector with a number that is not finite');
  if (squares === 0) throw failed('a vector of zeros, which has no direction');
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}

/** Returns a copy of a vector, scaled to length 1. The dot product of two such vectors is the cosine of their angle. */
export function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
  const scale = 1 / Math.sqrt(squares);
  const scaled = new Float32Array(vector.length);
  for (let i = 0; i < vector.length; i++) scaled[i] = (vector[i] as number) * scale;
  return scaled;
}

/**
 * Converts a value that an embedder threw to a `MemoryError`. Returns a `MemoryError` unchanged; any other value becomes the cause
 * of an EMBEDDING_FAILED, which is retryable only if the failure is known to be temporary.
 */
export function embeddingFailure(thrown: unknown, { model }: EmbeddingSpace): MemoryError {
  if (MemoryError.is(thrown)) return thrown;
  // `String` throws for objects without a prototype.
  const reason =
    isError(thrown) || Object(thrown) !== thrown ? String(thrown) : 'it threw a value that is not an Error';
  const retryable = isTemporaryFailure(thrown);
  const advice = retryable ? 'The fault may be temporary. Try again later.' : 'See the cause for details.';
  const message = `The embedder ${model} failed: ${reason}. ${advice}`;
  return new MemoryError('EMBEDDING_FAILED', message, { cause: thrown, retryable });
}
