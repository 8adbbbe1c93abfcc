import { malformed, memberOf, type ProviderResponse } from '../../providers/openai-response';
import type { Sensitive } from '../../providers/redact';
import type { Provider } from '../../providers/retries';

/** Returns whether the server would accept the same texts in smaller requests. */
export function isTooLarge({ status }: ProviderResponse): boolean {
  return status === 413;
}

/** Returns whether the server rejected the `dimensions` parameter. vLLM does that for models whose vectors cannot be shortened. */
export function rejectsDimensions({ status, body }: ProviderResponse): boolean {
  return (status === 400 || status === 422) && /dimension|matryoshka/i.test(body);
}

/**
 * Returns the vectors of a successful response, in the order of the texts in the request. The vectors themselves are not checked.
 *
 * @throws EMBEDDING_FAILED if the body is cut off, not JSON, or not a list with one vector for each text.
 */
export function vectorsOf(response: ProviderResponse, provider: Provider, sensitive: Sensitive): unknown[] {
  const data = memberOf(response, 'data', provider, sensitive);
  if (!Array.isArray(data)) throw malformed(response, provider, 'contains no list of vectors.');
  const { length } = sensitive.texts;
  if (data.length !== length) {
    const what = `contains ${data.length} vectors for ${length} texts. None of it was used. Try again.`;
    throw malformed(response, provider, what, true);
  }
  const ordered: unknown[] = new Array(data.length);
  const seen = new Set<unknown>();
  for (const [i, item] of data.entries()) {
    const { index = i, embedding } = Object(item) as { index?: number; embedding?: unknown };
    if (!Number.isInteger(index) || index < 0 || index >= data.length || seen.has(index))
      throw malformed(response, provider, 'has a vector with a wrong index.');
    seen.add(index);
    ordered[index] = embedding;
  }
  return ordered;
}
