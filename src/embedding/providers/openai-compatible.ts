import { parse } from '../../domain/parse/parse';
import { systemTiming, type Timing } from '../../environment/timing';
import { nextRequest } from '../batching/requests';
import type { Embedder } from '../embedder';
import { nameWithPrefix, type Prefix } from '../prefix';
import { OpenAIEndpoint } from './openai-endpoint';
import { providerInput } from './provider-input';
import { openAICompatibleShape } from './provider-options';
import { RateLimit } from './rate-limit';
import { defaultPatience } from './retries';

/** What `openAICompatible()` takes. */
export interface OpenAICompatibleOptions {
  /**
   * What stands before `/embeddings`: 'https://api.openai.com/v1', 'http://localhost:11434/v1' for Ollama,
   * 'https://api.cohere.ai/compatibility/v1' for Cohere. Parameters after a question mark are sent along and never printed.
   */
  baseURL: string;
  /** By the name that the server knows it by: 'text-embedding-3-small'. */
  model: string;
  /**
   * Numbers of a vector. Has to be known before the first answer. It is sent along, so that models that can be shortened are;
   * to servers that refuse the wish it is not sent again. A vector of another length is EMBEDDER_MISMATCH.
   */
  dimensions: number;
  /** Sent as `Authorization: Bearer`. Default: none, as for servers on this machine. */
  apiKey?: string;
  /** Sent with every request. As secret as the key. */
  headers?: Readonly<Record<string, string>>;
  /** What the model was trained to see before memories and questions. Default: nothing. */
  prefix?: Prefix;
  /**
   * Longer texts are embedded in parts. Default: 512, which every model reads and in which one sentence still counts.
   * OpenAI's models read 8,191.
   */
  maxTokens?: number;
  /** Texts in one request. Default: 96, the most that Cohere takes; OpenAI takes 2,048. Where a server says 413, half as many. */
  maxInputs?: number;
  /** Characters in one request. Default: 100,000, in any script within the 300,000 tokens that OpenAI takes. */
  maxCharacters?: number;
  /** Requests sent again after one failed for a passing reason. Default: 4. */
  maxRetries?: number;
  /** Time of one request. Default: 20,000. */
  requestTimeoutMs?: number;
  /** Time of one request with all its repetitions and waits. Default: 60,000. */
  timeoutMs?: number;
}

/**
 * Embeds by a server that speaks OpenAI's protocol: `POST {baseURL}/embeddings`. OpenAI itself, Ollama, vLLM, LM Studio,
 * Cohere's compatibility endpoint, and many others.
 *
 * The embedding space is named by the model and its dimensions, and not by the address: a store stays what it is when its server
 * moves. It is up to you that both addresses serve the same model.
 *
 * Passing failures (the network, time-outs, 408, 409, 425, 429, 5xx, an answer that is cut off) are tried again with exponential
 * backoff and full jitter. `Retry-After` is honoured as it stands, and holds for all callers of the embedder; the reset of an
 * exhausted `x-ratelimit-` header for at most 8 seconds.
 *
 * Every vector is checked, and comes out at length 1. Half an answer is used as little as none. Errors: EMBEDDING_FAILED, which
 * tells whether trying again later makes sense; EMBEDDER_MISSING where the server knows no such model (404); EMBEDDER_MISMATCH for
 * other dimensions. No key, header or text ever stands in one of them.
 *
 * An empty text is sent as a blank, which providers take. Redirects are not followed.
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

/** The same in another time, for tests. */
export function openAICompatibleIn(timing: Timing, options: OpenAICompatibleOptions): Embedder {
  const {
    model,
    dimensions,
    prefix = {},
    maxTokens = 512,
    maxInputs = 96,
    maxCharacters = 100_000,
    ...given
  } = parse(openAICompatibleShape, options, 'options of openAICompatible');
  const space = { model: nameWithPrefix(model, prefix), dimensions, normalized: true };
  const endpoint = new OpenAIEndpoint(
    { model, space, ...given },
    { model, patience: { ...defaultPatience, ...given }, limit: new RateLimit(timing), timing },
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
