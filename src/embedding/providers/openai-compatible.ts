import { fields, integer, parse } from '../../domain/parse/shapes';
import { systemTiming, type Timing } from '../../environment/timing';
import { embeddingModel } from '../../providers/model-kind';
import { serverOptions } from '../../providers/model-options';
import { RateLimit } from '../../providers/rate-limit';
import { defaultRetryPolicy } from '../../providers/retries';
import { nextRequest } from '../batching/requests';
import type { Embedder } from '../embedder';
import { modelOptions } from '../embedder-options';
import { nameWithPrefix, type Prefix, providerInput } from '../prefix';
import { OpenAIEndpoint } from './openai-endpoint';

/** The options of `openAICompatible()`. */
export interface OpenAICompatibleOptions {
  /**
   * The address without `/embeddings`: 'https://api.openai.com/v1', 'http://localhost:11434/v1' for Ollama,
   * 'https://api.cohere.ai/compatibility/v1' for Cohere. URL parameters are sent with every request and never appear in errors.
   */
  baseURL: string;
  /** The name of the model on the server: 'text-embedding-3-small'. */
  model: string;
  /**
   * The length of a vector, in numbers. It is sent to the server, because some models can shorten their vectors. If the server
   * rejects the parameter, later requests omit it. A vector with another length fails with EMBEDDER_MISMATCH.
   */
  dimensions: number;
  /** The API key, sent as `Authorization: Bearer`. Default: none. Local servers usually need none. */
  apiKey?: string;
  /** Headers to send with every request. Their values never appear in errors. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** The text that the model expects before memories and queries. Default: none. */
  prefix?: Prefix;
  /**
   * The longest text that is embedded as a whole, in tokens. Longer texts are split into chunks. Default: 512, which every model
   * accepts, and which is short enough that a single sentence still counts. OpenAI's models accept 8,191.
   */
  maxTokens?: number;
  /**
   * The largest number of texts in one request. After a response with status 413 it is halved. Default: 96, the maximum of Cohere.
   * OpenAI accepts 2,048.
   */
  maxInputs?: number;
  /**
   * The largest number of characters in one request. Default: 100,000, which in every script is below the maximum of OpenAI, 300,000
   * tokens.
   */
  maxCharacters?: number;
  /** The largest number of retries for a request that failed for a temporary reason. Default: 4. */
  maxRetries?: number;
  /** The time limit of one request, in milliseconds. Default: 20,000. */
  requestTimeoutMs?: number;
  /** The time limit of a request with all its retries and waits, in milliseconds. Default: 60,000. */
  timeoutMs?: number;
}

/**
 * Makes an embedder for a server that implements OpenAI's protocol (`POST {baseURL}/embeddings`): OpenAI, Ollama, vLLM,
 * LM Studio, Cohere's compatibility API and many others.
 *
 * The embedding space is named by the model and its dimensions, but not by the address. The server can therefore move to another
 * address, if it serves the same model there.
 *
 * Temporary failures (network errors, time-outs, status 408, 409, 425, 429 and 5xx, a response that is cut off) are retried with
 * exponential backoff and full jitter. A `Retry-After` header delays all callers of the embedder for the full time that it states.
 * A rate limit that is exhausted according to the `x-ratelimit-` headers delays them for at most 8 seconds.
 *
 * Every vector is checked and scaled to length 1. If one vector of a response is invalid, none of the response is used.
 *
 * A call fails with EMBEDDING_FAILED, whose `retryable` tells whether a later call may succeed. It fails with EMBEDDER_MISSING if
 * the server does not know the model (404), and with EMBEDDER_MISMATCH if a vector has another number of dimensions. Errors never
 * contain API keys, headers or texts.
 *
 * An empty text is sent as a space, because providers reject empty texts. Redirects are not followed.
 *
 * @throws INVALID_INPUT with every issue.
 * @example
 * ```ts
 * import { MemoryStore, openAICompatible } from 'multi-agent-memory';
 * const embedder = openAICompatible({
 *   baseURL: 'https://api.openai.com/v1',
 *   model: 'text-embedding-3-small',
 *   dimensions: 1536,
 *   apiKey: process.env.OPENAI_API_KEY ?? '',
 * });
 * await using store = await MemoryStore.open('./memory', { embedder });
 * ```
 */
export function openAICompatible(options: OpenAICompatibleOptions): Embedder {
  return openAICompatibleIn(systemTiming, options);
}

/** Does the same as `openAICompatible`, with a clock for tests. */
export function openAICompatibleIn(timing: Timing, options: OpenAICompatibleOptions): Embedder {
  const {
    model,
    dimensions,
    prefix = {},
    maxTokens = 512,
    maxInputs = 96,
    maxCharacters = 100_000,
    ...given
  } = parse(optionsShape, options, 'options of openAICompatible');
  const space = { model: nameWithPrefix(model, prefix), dimensions, normalized: true };
  const policy = { ...defaultRetryPolicy, ...given };
  const endpoint = new OpenAIEndpoint(
    { ...given, space },
    { kind: embeddingModel, model, policy, limit: new RateLimit(timing), timing },
  );
  const input = providerInput(prefix, maxTokens);
  return {
    space,
    maxTokens: input.maxTokens,
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const inputs = texts.map((text) => input.of(text, 'document'));
      const vectors: Float32Array[] = [];
      while (vectors.length < inputs.length) {
        const limits = { maxInputs: Math.min(maxInputs, endpoint.maxInputs), maxCharacters };
        const request = nextRequest(inputs, vectors.length, limits);
        vectors.push(...(await endpoint.embed(request, signal)));
      }
      return vectors;
    },
    async embedQuery(text, { signal } = {}) {
      signal?.throwIfAborted();
      const [vector] = await endpoint.embed([input.of(text, 'query')], signal);
      return vector!;
    },
  };
}

const optionsShape = fields({
  ...modelOptions,
  ...serverOptions,
  maxInputs: integer(1).exactOptional(),
  maxCharacters: integer(1).exactOptional(),
});
