import { MemoryError } from '../../domain/errors';
import { withTextFailures } from '../batching/text-failure';
import { innermost, quotableError } from '../providers/redact';

/** What clients put on their errors. */
interface Thrown {
  readonly name?: unknown;
  /** Of the AI SDK: whether another try makes sense. */
  readonly isRetryable?: unknown;
  /** Of an answer: by the AI SDK, and by the clients that LangChain wraps. */
  readonly statusCode?: unknown;
  readonly status?: unknown;
}

/**
 * What a library for embeddings threw, as an error of this one. Only its words are kept: the libraries hang the request on their
 * errors, with its headers and the texts of everybody in the batch.
 */
export function libraryFailure(thrown: unknown, model: string, texts: readonly string[]): MemoryError {
  const found = Object(thrown) as Thrown;
  const status = [found.statusCode, found.status].find((one) => typeof one === 'number') as number | undefined;
  if (status === 401 || status === 403) {
    // Refusals of a key quote it, and it is not known here.
    const message = `The embedding model ${model} failed (${status}). The key was refused: give another one, or one that may use this model.`;
    return new MemoryError('EMBEDDING_FAILED', message);
  }
  const retryable = isPassing(found, status);
  const cause = quotableError(thrown, { secrets: [], texts });
  const words = [...(status === undefined ? [] : [status]), innermost(cause)].join(', ');
  const advice = retryable
    ? 'It may be a passing fault: try again later.'
    : 'See to the model, its key and its options, and to the text.';
  const code = status === 404 ? 'EMBEDDER_MISSING' : 'EMBEDDING_FAILED';
  const error = new MemoryError(code, `The embedding model ${model} failed (${words}). ${advice}`, {
    cause,
    retryable,
  });
  return status === 400 || status === 413 || status === 422 ? withTextFailures(error) : error;
}

function isPassing({ isRetryable, name }: Thrown, status: number | undefined): boolean {
  if (typeof isRetryable === 'boolean') return isRetryable;
  if (status !== undefined) return status === 408 || status === 409 || status === 429 || status >= 500;
  // What has no status is taken for a fault of the network, unless the AI SDK has a name for it, such as a missing key.
  return !String(name).startsWith('AI_');
}
