/** The HTTP statuses of temporary failures. */
const temporaryStatuses: ReadonlySet<number> = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** Returns whether a later request may succeed after this HTTP status. Cloudflare uses the statuses from 520 on. */
export function isTemporaryStatus(status: number): boolean {
  return temporaryStatuses.has(status) || status >= 520;
}

// The error codes of sockets and name lookups in Node, and of undici, which implements `fetch` in Node.
const networkCodes =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EAI_AGAIN|ENOTFOUND|UND_ERR_(SOCKET|[A-Z_]*TIMEOUT|CLOSED))$/;
// The messages with which `fetch` and the client libraries of OpenAI, Anthropic, Cohere and Google report a lost connection or a
// missed deadline.
const networkMessages = /^(fetch failed|network error|socket hang up|connection error|request timed out|terminated)/i;
const networkNames = /^(TimeoutError|APIConnection\w*Error|FetchError)$/;
// Limits the search, because an error may be its own cause.
const maxCauses = 5;

/**
 * Returns whether a thrown value is known to be a temporary failure: the library that threw it says so, its HTTP status shows it, or
 * it is a network fault. An unknown failure does not count as temporary, because a caller would otherwise repeat a call for ever
 * that can never succeed.
 */
export function isTemporaryFailure(thrown: unknown, depth = 0): boolean {
  const found = Object(thrown) as Record<string, unknown>;
  const stated = [found.isRetryable, found.retryable].find((each) => typeof each === 'boolean');
  if (stated !== undefined) return stated === true;
  const status = [found.statusCode, found.status].find((each) => typeof each === 'number');
  if (status !== undefined) return isTemporaryStatus(status as number);
  const isNetworkFault =
    matches(networkCodes, found.code) ||
    matches(networkNames, found.name) ||
    matches(networkNames, (found.constructor as { name?: unknown } | undefined)?.name) ||
    matches(networkMessages, found.message);
  return (
    isNetworkFault || (depth < maxCauses && found.cause !== undefined && isTemporaryFailure(found.cause, depth + 1))
  );
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value);
}
