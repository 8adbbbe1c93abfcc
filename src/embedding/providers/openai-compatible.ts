import { z } from 'zod';
import { addIssue, expected, fields, integer, parse } from '../../domain/parse/shapes';
import { systemTiming, type Timing } from '../../environment/timing';
import { nextRequest } from '../batching/requests';
import type { Embedder } from '../embedder';
import { nameWithPrefix, type Prefix, providerInput } from '../prefix';
import { OpenAIEndpoint } from './openai-endpoint';
import { duration, modelOptions, retryCount } from './provider-options';
import { RateLimit } from './rate-limit';
import { defaultRetryPolicy } from './retries';

/** The options of `openAICompatible()`. */
export interface OpenAICompatibleOptions {
  /**
   * The address without `/embeddings`: 'https://api.openai.com/v1', 'http://localhost:11434/v1' for Ollama,
   * 'https://api.cohere.ai/compatibility/v1' for Cohere. URL parameters are sent with every request and never appear in errors.
   */
  baseURL: string;
  /** The server's name for the model: 'text-embedding-3-small'. */
  model: string;
  /**
   * The length of a vector, in numbers. It is sent to the server, so that models which can shorten their vectors do so. If the
   * server rejects the parameter, it is no longer sent. A vector of another length fails with EMBEDDER_MISMATCH.
   */
  dimensions: number;
  /** The API key, sent as `Authorization: Bearer`. Default: none, as for servers on this machine. */
  apiKey?: string;
  /** Headers of every request. Their values never appear in errors. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** The text that the model expects before memories and queries. Default: none. */
  prefix?: Prefix;
  /**
   * Tokens: longer texts are split into chunks. Default: 512, which every model reads, and which is short enough for one sentence
   * to count. OpenAI's models read 8,191.
   */
  maxTokens?: number;
  /** Texts in one request. After a response with status 413 it is halved. Default: 96, the maximum of Cohere. OpenAI accepts 2,048. */
  maxInputs?: number;
  /** Characters in one request. Default: 100,000, which in any script is below OpenAI's maximum of 300,000 tokens. */
  maxCharacters?: number;
  /** Retries of a request that failed for a temporary reason. Default: 4. */
  maxRetries?: number;
  /** Milliseconds for one request. Default: 20,000. */
  requestTimeoutMs?: number;
  /** Milliseconds for one request with all its retries and waits. Default: 60,000. */
  timeoutMs?: number;
}

/**
 * Makes an embedder for a server that implements OpenAI's protocol (`POST {baseURL}/embeddings`): OpenAI, Ollama, vLLM,
 * LM Studio, Cohere's compatibility API and many others.
 *
 * The name of the embedding space is made of the model and its dimensions, not of the address, so a server can move. Both addresses
 * must then serve the same model.
 *
 * Temporary failures (network errors, time-outs, status 408, 409, 425, 429 and 5xx, a response that is cut off) are retried with
 * exponential backoff and full jitter. A `Retry-After` header delays all callers of the embedder for its full time. An exhausted
 * `x-ratelimit-` limit delays them for at most 8 seconds.
 *
 * Every vector is checked and scaled to length 1. A response is used whole or not at all. Calls fail with EMBEDDING_FAILED, whose
 * `retryable` says whether a later call may succeed; with EMBEDDER_MISSING if the server does not know the model (404); with
 * EMBEDDER_MISMATCH for another number of dimensions. Errors never contain API keys, headers or texts.
 *
 * An empty text is sent as a space, since providers reject empty texts. Redirects are not followed.
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

/** `openAICompatible` with other clocks, for tests. */
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
  const endpoint = new OpenAIEndpoint(
    { model, space, ...given },
    { model, policy: { ...defaultRetryPolicy, ...given }, limit: new RateLimit(timing), timing },
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

// The issues of headers and of the base URL do not show the value, which may contain a key.
const secretString = z.string({ error: 'expected a string.' });
const headerValue = secretString.regex(/^[\x20-\x7e]*$/, {
  error: 'expected visible ASCII characters and spaces, got another character, such as a line break.',
});
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/);
const urlExpectation = 'expected a URL, such as "https://api.openai.com/v1".';
const baseURLShape = z.string({ error: urlExpectation }).check((ctx) => {
  const message = urlIssue(ctx.value);
  if (message !== undefined) addIssue(ctx, message, undefined);
});

function urlIssue(value: string): string | undefined {
  if (!URL.canParse(value)) return urlExpectation;
  const { protocol, username, password } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'expected a URL that begins with https:// or http://.';
  const isPlain = username === '' && password === '';
  return isPlain ? undefined : 'expected a URL without user name and password. Pass them in headers.';
}

const optionsShape = fields({
  ...modelOptions,
  baseURL: baseURLShape,
  apiKey: headerValue
    .min(1, { error: 'expected a non-empty string. Omit apiKey if the server needs none.' })
    .exactOptional(),
  headers: z
    .record(headerName, headerValue, {
      error: (issue) =>
        issue.code === 'invalid_key' ? 'expected a valid header name.' : expected('an object of strings')(issue),
    })
    .exactOptional(),
  maxInputs: integer(1).exactOptional(),
  maxCharacters: integer(1).exactOptional(),
  maxRetries: retryCount.exactOptional(),
  requestTimeoutMs: duration.exactOptional(),
  timeoutMs: duration.exactOptional(),
});
