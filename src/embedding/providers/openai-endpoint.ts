import { MemoryError } from '../../domain/errors';
import type { EmbeddingSpace } from '../embedder';
import { isTooLarge, type ProviderResponse, rejectsDimensions, responseError, vectorsOf } from './openai-response';
import { providerVectors } from './provider-results';
import { rateLimitResetMs, retryAfterMs } from './rate-limit';
import { redactError, rootMessage, type Sensitive } from './redact';
import { type Attempt, capWaitMs, type Provider, withRetries } from './retries';

/** The address of a server, and what its requests contain. */
export interface EndpointOptions {
  readonly baseURL: string;
  /** The name of the model on the server. */
  readonly model: string;
  readonly space: EmbeddingSpace;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A value of a header or a URL parameter counts as a secret only from this length. Shorter values occur inside many words. */
const minSecretLength = 4;

/** A server that implements the protocol of OpenAI. It remembers the limits that the server has shown in its responses. */
export class OpenAIEndpoint {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  readonly #model: string;
  readonly #space: EmbeddingSpace;
  readonly #provider: Provider;
  #sendsDimensions = true;
  #maxInputs = Number.POSITIVE_INFINITY;

  constructor({ baseURL, apiKey, headers, model, space }: EndpointOptions, provider: Provider) {
    this.#url = new URL(baseURL);
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, '')}/embeddings`;
    this.#headers = {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...headers,
    };
    const known = [apiKey ?? '', ...Object.values(headers ?? {}), ...this.#url.searchParams.values()];
    this.#secrets = known.filter((secret) => secret.length >= minSecretLength);
    this.#model = model;
    this.#space = space;
    this.#provider = provider;
  }

  /** The largest number of texts that the server accepts in one request, as far as its responses have shown. */
  get maxInputs(): number {
    return this.#maxInputs;
  }

  /** Embeds these texts. If the server accepts fewer texts in one request, resolves only to the vectors of the first half or less. */
  async embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
    const vectors = await withRetries(this.#provider, (limited) => this.#attempt(texts, limited), signal);
    if (vectors !== 'too large') return vectors;
    this.#maxInputs = Math.ceil(texts.length / 2);
    return this.embed(texts.slice(0, this.#maxInputs), signal);
  }

  async #attempt(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<Attempt<readonly Float32Array[] | 'too large'>> {
    const sensitive = { secrets: this.#secrets, texts };
    try {
      const response = await this.#send(texts, this.#sendsDimensions, signal);
      if (response.status >= 200 && response.status < 300) {
        return { value: providerVectors(vectorsOf(response, this.#model, sensitive), texts.length, this.#space) };
      }
      if (isTooLarge(response) && texts.length > 1) return { value: 'too large' };
      if (this.#sendsDimensions && rejectsDimensions(response)) {
        this.#sendsDimensions = false;
        return await this.#attempt(texts, signal);
      }
      return { error: responseError(response, this.#model, sensitive) };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { error: MemoryError.is(thrown) ? thrown : this.#unreachable(thrown, sensitive) };
    }
  }

  async #send(texts: readonly string[], sendsDimensions: boolean, signal: AbortSignal): Promise<ProviderResponse> {
    const { dimensions } = this.#space;
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: this.#headers,
      body: JSON.stringify({
        model: this.#model,
        input: texts,
        encoding_format: 'float',
        ...(sendsDimensions ? { dimensions } : {}),
      }),
      // Does not follow redirects, because they would send the headers, and the key in them, to another server.
      redirect: 'manual',
      signal,
    });
    this.#noteRateLimit(response);
    return { status: response.status, body: await response.text(), address: this.#address };
  }

  #noteRateLimit({ status, headers }: Response): void {
    const { limit, timing } = this.#provider;
    const requestedMs = status === 429 || status >= 500 ? retryAfterMs(headers, () => timing.now()) : undefined;
    const resetMs = rateLimitResetMs(headers);
    if (requestedMs !== undefined) limit.blockFor(requestedMs);
    else if (resetMs !== undefined) limit.blockFor(capWaitMs(resetMs));
  }

  #unreachable(thrown: unknown, sensitive: Sensitive): MemoryError {
    const cause = redactError(thrown, sensitive);
    const message = `${this.#model} at ${this.#address} cannot be reached: ${rootMessage(cause)}. Check 'baseURL' and the network, or try again later.`;
    return new MemoryError('EMBEDDING_FAILED', message, { cause, retryable: true });
  }

  // The address without URL parameters, because some providers expect the API key in one.
  get #address(): string {
    return `${this.#url.origin}${this.#url.pathname}`;
  }
}
