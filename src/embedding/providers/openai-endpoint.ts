import { MemoryError } from '../../domain/errors';
import type { EmbeddingSpace } from '../embedder';
import { type Answer, failure, isTooLarge, refusesDimensions, vectorsIn } from './openai-answer';
import { providerVectors } from './provider-vectors';
import { askedToWaitMs, untilResetMs } from './rate-limit';
import { type Confidences, innermost, quotableError } from './redact';
import { type Attempt, guessedWaitMs, type Provider, untilAnswered } from './retries';

/** Where the requests go, and with what. */
export interface Destination {
  readonly baseURL: string;
  /** By the name that the server knows it by. */
  readonly model: string;
  readonly space: EmbeddingSpace;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A shorter value of a header or parameter is no secret, and stands in many words. */
const shortestSecret = 4;

/** A server that speaks OpenAI's protocol, and what it turned out to want. */
export class OpenAIEndpoint {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  readonly #model: string;
  readonly #space: EmbeddingSpace;
  readonly #provider: Provider;
  #sendsDimensions = true;
  #maxInputs = Number.POSITIVE_INFINITY;

  constructor({ baseURL, apiKey, headers, model, space }: Destination, provider: Provider) {
    this.#url = new URL(baseURL);
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, '')}/embeddings`;
    this.#headers = {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...headers,
    };
    const known = [apiKey ?? '', ...Object.values(headers ?? {}), ...this.#url.searchParams.values()];
    this.#secrets = known.filter((secret) => secret.length >= shortestSecret);
    this.#model = model;
    this.#space = space;
    this.#provider = provider;
  }

  /** Texts that the server takes in one request, as far as it has said. */
  get maxInputs(): number {
    return this.#maxInputs;
  }

  /** The vectors of these texts; of the first half, or less, where the server takes no more at once. */
  async embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
    const vectors = await untilAnswered(this.#provider, (limited) => this.#attempt(texts, limited), signal);
    if (vectors !== 'too large') return vectors;
    this.#maxInputs = Math.ceil(texts.length / 2);
    return this.embed(texts.slice(0, this.#maxInputs), signal);
  }

  async #attempt(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<Attempt<readonly Float32Array[] | 'too large'>> {
    const confidences = { secrets: this.#secrets, texts };
    try {
      const answer = await this.#ask(texts, this.#sendsDimensions, signal);
      if (answer.status >= 200 && answer.status < 300) {
        return { value: providerVectors(vectorsIn(answer, this.#model, confidences), texts.length, this.#space) };
      }
      if (isTooLarge(answer) && texts.length > 1) return { value: 'too large' };
      if (this.#sendsDimensions && refusesDimensions(answer)) {
        this.#sendsDimensions = false;
        return await this.#attempt(texts, signal);
      }
      return { error: failure(answer, this.#model, confidences) };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { error: MemoryError.is(thrown) ? thrown : this.#unreachable(thrown, confidences) };
    }
  }

  async #ask(texts: readonly string[], sendsDimensions: boolean, signal: AbortSignal): Promise<Answer> {
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
      // Headers with keys would go wherever it points.
      redirect: 'manual',
      signal,
    });
    this.#heed(response);
    return { status: response.status, body: await response.text(), place: this.#place };
  }

  #heed({ status, headers }: Response): void {
    const { limit, timing } = this.#provider;
    const asked = status === 429 || status >= 500 ? askedToWaitMs(headers, () => timing.now()) : undefined;
    const guessed = untilResetMs(headers);
    if (asked !== undefined) limit.closeFor(asked);
    else if (guessed !== undefined) limit.closeFor(guessedWaitMs(guessed));
  }

  #unreachable(thrown: unknown, confidences: Confidences): MemoryError {
    const cause = quotableError(thrown, confidences);
    const message = `${this.#model} at ${this.#place} cannot be reached: ${innermost(cause)}. Look at 'baseURL' and the network, or try again later.`;
    return new MemoryError('EMBEDDING_FAILED', message, { cause, retryable: true });
  }

  // Without parameters, in which some providers take keys.
  get #place(): string {
    return `${this.#url.origin}${this.#url.pathname}`;
  }
}
