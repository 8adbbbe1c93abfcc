import { MemoryError } from '../domain/errors';
import { retryAfterMs } from './rate-limit';
import { redactError, rootMessage } from './redact';
import type { Provider } from './retries';
import { isTemporaryFailure } from './temporary-failure';
import { markTextFailure } from './text-failure';

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
export function clientFailure(
  thrown: unknown,
  { kind, model }: Pick<Provider, 'kind' | 'model'>,
  texts: readonly string[],
): MemoryError {
  const found = Object(thrown) as ClientError;
  const status = [found.statusCode, found.status].find((each) => typeof each === 'number') as number | undefined;
  if (status === 401 || status === 403) {
    // Leaves out the message, because it may quote the key, which is not known here.
    const message = `The ${kind.name} ${model} failed (${status}). The API key was rejected. Use a key that has access to this model.`;
    return new MemoryError(kind.failed, message);
  }
  const retryable = isTemporaryFailure(thrown);
  const cause = redactError(thrown, { secrets: [], texts });
  const details = [...(status === undefined ? [] : [status]), rootMessage(cause)].join(', ');
  const advice = retryable
    ? 'The fault may be temporary. Try again later.'
    : 'Check the model, its API key, its options and the text.';
  const code = status === 404 ? kind.missing : kind.failed;
  const error = new MemoryError(code, `The ${kind.name} ${model} failed (${details}). ${advice}`, {
    cause,
    retryable,
  });
  return status === 400 || status === 413 || status === 422 ? markTextFailure(error) : error;
}

/** Notes how long the provider asks clients to wait, from an error that the AI SDK threw. */
export function noteRateLimit(thrown: unknown, { limit, timing }: Provider): void {
  const { isRetryable, responseHeaders } = Object(thrown) as Record<string, unknown>;
  const headers = new Map(Object.entries(Object(responseHeaders) as Record<string, string>));
  const requestedMs = retryAfterMs({ get: (name) => headers.get(name) ?? null }, () => timing.now());
  if (isRetryable === true && requestedMs !== undefined) limit.blockFor(requestedMs);
}
