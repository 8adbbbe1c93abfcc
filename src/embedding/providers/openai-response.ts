import { MemoryError } from '../../domain/errors';
import { markTextFailure } from '../results';
import { isTemporaryStatus } from '../temporary-failure';
import { redact, type Sensitive } from './redact';

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

/** Returns whether the server would accept the same texts in smaller requests. */
export function isTooLarge({ status }: ProviderResponse): boolean {
  return status === 413;
}

/** Returns whether the server rejected the `dimensions` parameter. vLLM does that for models whose vectors cannot be shortened. */
export function rejectsDimensions({ status, body }: ProviderResponse): boolean {
  return (status === 400 || status === 422) && /dimension|matryoshka/i.test(body);
}

/** Makes the error for a response whose status is not a success. */
export function responseError(response: ProviderResponse, model: string, sensitive: Sensitive): MemoryError {
  const { status, address } = response;
  const { message, code } = errorBodyOf(response.body);
  const isAuthentication = status === 401 || status === 403;
  // Leaves out the message, because it may quote a part of the key.
  const quote = isAuthentication ? undefined : redact(message, sensitive);
  const details = [`${status}`, redact(code, sensitive), quote].filter((each) => each !== undefined).join(', ');
  const failed = (advice: string, retryable = false) =>
    new MemoryError('EMBEDDING_FAILED', `${model} at ${address} failed (${details}). ${advice}`, { retryable });
  if (isAuthentication) return failed(`The API key was rejected. Use an 'apiKey' that has access to this model.`);
  if (status === 404) {
    const advice = `Check 'model', and 'baseURL', which usually ends in /v1.`;
    return new MemoryError('EMBEDDER_MISSING', `${model} at ${address} was not found (${details}). ${advice}`);
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
 * Returns the vectors of a successful response, in the order of the texts in the request. The vectors themselves are not checked.
 *
 * @throws EMBEDDING_FAILED if the body is cut off, not JSON, or not a list with one vector for each text.
 */
export function vectorsOf(response: ProviderResponse, model: string, sensitive: Sensitive): unknown[] {
  const data = dataOf(response, model, sensitive);
  const { length } = sensitive.texts;
  if (data.length !== length) {
    const what = `contains ${data.length} vectors for ${length} texts. None of it was used. Try again.`;
    throw malformed(response, model, what, true);
  }
  const ordered: unknown[] = new Array(data.length);
  const seen = new Set<unknown>();
  for (const [i, item] of data.entries()) {
    const { index = i, embedding } = Object(item) as { index?: number; embedding?: unknown };
    if (!Number.isInteger(index) || index < 0 || index >= data.length || seen.has(index))
      throw malformed(response, model, 'has a vector with a wrong index.');
    seen.add(index);
    ordered[index] = embedding;
  }
  return ordered;
}

function dataOf(response: ProviderResponse, model: string, sensitive: Sensitive): readonly unknown[] {
  const body = parsedBody(response, model);
  const { data, error } = Object(body) as { data?: unknown; error?: unknown };
  if (Array.isArray(data)) return data;
  // Some gateways return an error with the status of a success.
  const status = Number(Object(error).code);
  if (error !== undefined && error !== null)
    throw responseError({ ...response, status: status >= 400 ? status : 500 }, model, sensitive);
  throw malformed(response, model, 'contains no list of vectors.');
}

function parsedBody(response: ProviderResponse, model: string): unknown {
  const { body } = response;
  try {
    return JSON.parse(body);
  } catch {
    if (body.trimStart().startsWith('<')) throw malformed(response, model, `is a web page. Check 'baseURL'.`);
    // JSON does not allow NaN and Infinity, but the JSON encoder of Python writes them.
    if (/\b(NaN|-?Infinity)\b/.test(body))
      throw markTextFailure(malformed(response, model, 'contains a number that is not finite.'));
    throw malformed(response, model, 'is cut off, or not JSON. Try again.', true);
  }
}

function malformed({ address, body }: ProviderResponse, model: string, what: string, retryable = false): MemoryError {
  const message = `The response of ${model} at ${address} (${body.length} characters) ${what}`;
  return new MemoryError('EMBEDDING_FAILED', message, { retryable });
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
