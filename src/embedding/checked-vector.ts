import { MemoryError } from '../domain/errors';
import type { EmbeddingSpace } from './embedder';

/**
 * What an embedder returned for a text, as a new vector of length 1 in 32-bit floats. EMBEDDING_FAILED when it is no vector of the
 * space: another number of dimensions, a number that is not finite, or all zeros, which has no direction.
 */
export function checkedVector(returned: unknown, { model, dimensions }: EmbeddingSpace): Float32Array {
  const failed = (what: string) => new MemoryError('EMBEDDING_FAILED', `The embedder ${model} returned ${what}.`);
  // Arrays of numbers too: what comes from JavaScript, or over JSON, is often one.
  if (!(returned instanceof Float32Array || Array.isArray(returned))) throw failed('something that is no Float32Array');
  if (returned.length !== dimensions)
    throw failed(`a vector of ${returned.length} numbers; vectors of its space have ${dimensions}`);
  // A conversion would make a zero of null, and a number of a text.
  for (const value of returned)
    if (typeof value !== 'number') throw failed('a vector with something that is no number');
  const vector = Float32Array.from(returned);
  let squares = 0;
  for (const value of vector) squares += value * value;
  // A sum of squares of 32-bit floats cannot overflow a double.
  if (!Number.isFinite(squares)) throw failed('a vector with a number that is not finite');
  if (squares === 0) throw failed('a vector of zeros, which points nowhere');
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}

/** What an embedder threw, as an error of this library: itself if it is one, else EMBEDDING_FAILED with it as the cause. */
export function embeddingFailure(thrown: unknown, { model }: EmbeddingSpace): MemoryError {
  if (MemoryError.is(thrown)) return thrown;
  // Not every object can be made a string.
  const words = thrown instanceof Error || Object(thrown) !== thrown ? String(thrown) : 'it threw no error';
  const message = `The embedder ${model} failed: ${words}. It may be a passing fault; the cause tells more.`;
  return new MemoryError('EMBEDDING_FAILED', message, { cause: thrown, retryable: true });
}
