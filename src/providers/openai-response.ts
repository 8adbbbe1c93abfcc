import { MemoryError } from '../domain/errors';
import { redact, type Sensitive } from './redact';
import type { Provider } from './retries';
import { isTemporaryStatus } from './temporary-failure';
import { markTextFailure } from './text-failure';

/** A response from a server that implements the protocol of OpenAI. */
export interface ProviderResponse {
  readonly status: number;
  readonly body: string;
  /** The address of the request without secrets. */
  readonly address: string;
}

/** The fields of OpenAI's error objects that are used here. Other servers use other names for them. */
interface ErrorBody {
  readonly message: string;
  /** A code for programs, such as 'insufficient_quota'. */
  readonly code: string;
}

/** The names of a model in errors. */
type Named = Pick<Provider, 'kind' | 'model'>;

/** Makes the error for a response whose status is not a success. */
export function responseError(response: ProviderResponse, { kind, model }: Named, sensitive: Sensitive): MemoryError {
  const { status, address } = response;
  const { message, code } = errorBodyOf(response.body);
  const isAuthentication = status === 401 || status === 403;
  // Leaves out the message, because it may quote a part of the key.
  const quote = isAuthentication ? undefined : redact(message, sensitive);
  const details = [`${status}`, redact(code, sensitive), quote].filter((each) => each !== undefined).join(', ');
  const failed = (advice: string, retryable = false) =>
    new MemoryError(kind.failed, `${model} at ${address} failed (${details}). ${advice}`, { retryable });
  if (isAuthentication) return failed(`The API key was rejected. Use an 'apiKey' that has access to this model.`);
  if (status === 404) {
    const advice = `Check 'model', and 'baseURL', which usually ends in /v1.`;
    return new MemoryError(kind.missing, `${model} at ${address} was not found (${details}). ${advice}`);
  }
  if (status === 429 && /quota|billing|credit/i.test(code))
    return failed('The quota of the account is used up. Check the account.');
  if (status === 429) return failed('The rate limit was reached. Try again later.', true);
  if (isTemporaryStatus(status)) return failed('The fault may be temporary. Try again.', true);
  if (status >= 300 && status < 400)
    return failed(`The server redirects, and redirects are not followed. Correct 'baseURL'.`);
  const rejected = failed('The server rejected the request. Check the text and the options.');
  return status === 400 || status === 422 || status === 413 ? markTextFailure(rejected) : rejected;
}

/**
 * Returns a member of the JSON body of a response with the status of a success.
 *
 * @throws the error of `kind.failed` if the body is cut off, not JSON, or an error.
 */
export function memberOf(response: ProviderResponse, name: string, provider: Named, sensitive: Sensitive): unknown {
  const body = Object(parsedBody(response, provider)) as Record<string, unknown>;
  const { error } = body;
  // Some gateways return an error with the status of a success.
  const status = Number(Object(error).code);
  if (body[name] === undefined && error !== undefined && error !== null)
    throw responseError({ ...response, status: status >= 400 ? status : 500 }, provider, sensitive);
  return body[name];
}

function parsedBody(response: ProviderResponse, provider: Named): unknown {
  const { body } = response;
  try {
    return JSON.parse(body);
  } catch {
    if (body.trimStart().startsWith('<')) throw malformed(response, provider, `is a web page. Check 'baseURL'.`);
    // JSON does not allow NaN and Infinity, but the JSON encoder of Python writes them.
    if (/\b(NaN|-?Infinity)\b/.test(body))
      throw markTextFailure(malformed(response, provider, 'contains a number that is not finite.'));
    throw malformed(response, provider, 'is cut off, or not JSON. Try again.', true);
  }
}

/** Makes the error for a response with the status of a success that cannot be used. */
export function malformed(
  { address, body }: ProviderResponse,
  { kind, model }: Named,
  what: string,
  retryable = false,
): MemoryError {
  const message = `The response of ${model} at ${address} (${body.length} characters) ${what}`;
  return new MemoryError(kind.failed, message, { retryable });
}

function errorBodyOf(body: string): ErrorBody {
  let found: unknown;
  try {
    found = JSON.parse(body);
  } catch {
    // A web page, for example from a proxy, tells nothing more than the status.
    return { message: '', code: '' };
  }
  const outer = Object(found) as Record<string, unknown>;
  const inner = Object(outer.error ?? outer) as Record<string, unknown>;
  const messages = [inner.message, outer.error, outer.message, outer.detail];
  const message = messages.find((each): each is string => typeof each === 'string');
  const codes = [inner.code, inner.type];
  const code = codes.find((each): each is string => typeof each === 'string' && /^[\w.-]{1,60}$/.test(each));
  return { message: message ?? '', code: code ?? '' };
}
