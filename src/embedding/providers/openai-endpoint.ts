import { MemoryError } from '../../domain/errors';
import { type ProviderResponse, responseError } from '../../providers/openai-response';
import { OpenAIServer, type ServerOptions } from '../../providers/openai-server';
import { type Attempt, type Provider, withRetries } from '../../providers/retries';
import type { EmbeddingSpace } from '../embedder';
import { isTooLarge, rejectsDimensions, vectorsOf } from './openai-vectors';
import { providerVectors } from './provider-results';

/** The address of a server, and the space of its vectors. */
export interface EndpointOptions extends ServerOptions {
  readonly space: EmbeddingSpace;
}

/** A server that implements the protocol of OpenAI. It remembers the limits that the server has shown in its responses. */
export class OpenAIEndpoint {
  readonly #server: OpenAIServer;
  readonly #space: EmbeddingSpace;
  readonly #provider: Provider;
  #sendsDimensions = true;
  #maxInputs = Number.POSITIVE_INFINITY;

  constructor({ space, ...server }: EndpointOptions, provider: Provider) {
    this.#server = new OpenAIServer(server, '/embeddings', provider);
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
    const sensitive = this.#server.sensitive(texts);
    try {
      const response = await this.#send(texts, this.#sendsDimensions, signal);
      if (response.status >= 200 && response.status < 300) {
        return { value: providerVectors(vectorsOf(response, this.#provider, sensitive), texts.length, this.#space) };
      }
      if (isTooLarge(response) && texts.length > 1) return { value: 'too large' };
      if (this.#sendsDimensions && rejectsDimensions(response)) {
        this.#sendsDimensions = false;
        return await this.#attempt(texts, signal);
      }
      return { error: responseError(response, this.#provider, sensitive) };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { error: MemoryError.is(thrown) ? thrown : this.#server.unreachable(thrown, sensitive) };
    }
  }

  #send(texts: readonly string[], sendsDimensions: boolean, signal: AbortSignal): Promise<ProviderResponse> {
    const { dimensions } = this.#space;
    const body = {
      model: this.#provider.model,
      input: texts,
      encoding_format: 'float',
      ...(sendsDimensions ? { dimensions } : {}),
    };
    return this.#server.post(body, signal);
  }
}
