import { MemoryError } from '../domain/errors';
import type { ProviderResponse } from './openai-response';
import { rateLimitResetMs, retryAfterMs } from './rate-limit';
import { redactError, rootMessage, type Sensitive } from './redact';
import { capWaitMs, type Provider } from './retries';

/** The address of a server, and what its requests contain. */
export interface ServerOptions {
  readonly baseURL: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A value of a header or a URL parameter counts as a secret only from this length. Shorter values occur inside many words. */
const minSecretLength = 4;

/** One resource of a server that implements the protocol of OpenAI. */
export class OpenAIServer {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  readonly #provider: Provider;

  /** @param path Is added to the base URL: '/embeddings'. */
  constructor({ baseURL, apiKey, headers }: ServerOptions, path: string, provider: Provider) {
    this.#url = new URL(baseURL);
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, '')}${path}`;
    this.#headers = {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...headers,
    };
    const known = [apiKey ?? '', ...Object.values(headers ?? {}), ...this.#url.searchParams.values()];
    this.#secrets = known.filter((secret) => secret.length >= minSecretLength);
    this.#provider = provider;
  }

  /** What must not occur in an error of a request with these texts. */
  sensitive(texts: readonly string[]): Sensitive {
    return { secrets: this.#secrets, texts };
  }

  /** Sends one request, and notes the rate limits of the response. */
  async post(body: unknown, signal: AbortSignal): Promise<ProviderResponse> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: this.#headers,
      body: JSON.stringify(body),
      // Does not follow redirects, because they would send the headers, and the key in them, to another server.
      redirect: 'manual',
      signal,
    });
    this.#noteRateLimit(response);
    return { status: response.status, body: await response.text(), address: this.#address };
  }

  /** Makes the error for a request that got no response. */
  unreachable(thrown: unknown, sensitive: Sensitive): MemoryError {
    const { kind, model } = this.#provider;
    const cause = redactError(thrown, sensitive);
    const message = `${model} at ${this.#address} cannot be reached: ${rootMessage(cause)}. Check 'baseURL' and the network, or try again later.`;
    return new MemoryError(kind.failed, message, { cause, retryable: true });
  }

  #noteRateLimit({ status, headers }: Response): void {
    const { limit, timing } = this.#provider;
    const requestedMs = status === 429 || status >= 500 ? retryAfterMs(headers, () => timing.now()) : undefined;
    const resetMs = rateLimitResetMs(headers);
    if (requestedMs !== undefined) limit.blockFor(requestedMs);
    else if (resetMs !== undefined) limit.blockFor(capWaitMs(resetMs));
  }

  // The address without URL parameters, because some providers expect the API key in one.
  get #address(): string {
    return `${this.#url.origin}${this.#url.pathname}`;
  }
}
