import { MemoryError } from '../domain/errors';
import { isError, isFloat32Array } from '../domain/realms';
import type { EmbeddingSpace } from './embedder';
import { isTemporaryFailure } from './temporary-failure';

/**
 * Checks what an embedder returned for one text, and returns it as a new vector of length 1.
 *
 * @throws EMBEDDING_FAILED if it is not a vector of the space: a wrong type, a wrong number of dimensions, a number that is not
 * finite, or only zeros, which have no direction.
 */
export function checkedVector(returned: unknown, { model, dimensions }: EmbeddingSpace): Float32Array {
  const failed = (what: string) => new MemoryError('EMBEDDING_FAILED', `The embedder ${model} returned ${what}.`);
  // Arrays of numbers are accepted too: vectors that were parsed from JSON are arrays.
  if (!(isFloat32Array(returned) || Array.isArray(returned))) throw failed('a value that is not a Float32Array');
  if (returned.length !== dimensions)
    throw failed(`a vector of ${returned.length} numbers. Vectors of its space have ${dimensions}`);
  // `Float32Array.from` would convert null to 0 and '5' to 5.
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

/** A copy of a vector with length 1. The dot product of two such vectors is the cosine of their angle. */
export function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
  const scale = 1 / Math.sqrt(squares);
  const scaled = new Float32Array(vector.length);
  for (let i = 0; i < vector.length; i++) scaled[i] = (vector[i] as number) * scale;
  return scaled;
}

/**
 * What an embedder threw, as a `MemoryError`: itself if it is one, else EMBEDDING_FAILED with it as the cause. Only a failure that is
 * known to pass by itself is retryable.
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

const textFailures = new WeakSet<MemoryError>();

/** Marks an error as caused by one text of a request. The other texts of the request may succeed without it. */
export function markTextFailure(error: MemoryError): MemoryError {
  textFailures.add(error);
  return error;
}

/** Whether one text caused the error, and not the provider, the network or the API key. */
export function isTextFailure(error: MemoryError): boolean {
  return textFailures.has(error);
}
