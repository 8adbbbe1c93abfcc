/** HTTP statuses of failures that pass by themselves. */
const temporaryStatuses: ReadonlySet<number> = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** Whether a later request may succeed after this HTTP status. Statuses from 520 on are those of Cloudflare. */
export function isTemporaryStatus(status: number): boolean {
  return temporaryStatuses.has(status) || status >= 520;
}

// Codes of Node's sockets and name lookups, and of undici, which is Node's `fetch`.
const networkCodes =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EAI_AGAIN|ENOTFOUND|UND_ERR_(SOCKET|[A-Z_]*TIMEOUT|CLOSED))$/;
// What `fetch` and the client libraries of OpenAI, Anthropic, Cohere and Google call a lost connection or a missed deadline.
const networkMessages = /^(fetch failed|network error|socket hang up|connection error|request timed out|terminated)/i;
const networkNames = /^(TimeoutError|APIConnection\w*Error|FetchError)$/;
// An error may be its own cause.
const maxCauses = 5;

/**
 * Whether what was thrown is known to pass by itself: the library that threw it says so, its HTTP status does, or it is a fault of
 * the network. An unknown failure is not: its caller would repeat for ever what can never succeed.
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
