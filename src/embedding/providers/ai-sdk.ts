import { z } from 'zod';
import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import { expected, fields, parse } from '../../domain/parse/shapes';
import { systemTiming, type Timing } from '../../environment/timing';
import { clientFailure, noteRateLimit } from '../../providers/client-failure';
import { embeddingModel } from '../../providers/model-kind';
import { duration, nonEmptyString, objectWith, retryCount } from '../../providers/model-options';
import { RateLimit } from '../../providers/rate-limit';
import { type Attempt, defaultRetryPolicy, type Provider, withRetries } from '../../providers/retries';
import { allOrNone, splitIntoRequests } from '../batching/requests';
import type { Embedder, EmbeddingSpace, TextRole } from '../embedder';
import { modelOptions } from '../embedder-options';
import { nameWithPrefix, type Prefix, providerInput } from '../prefix';
import { providerVectors } from './provider-results';

/** A JSON value, as the AI SDK types it. */
export type AISDKJson = null | boolean | number | string | AISDKJson[] | { [key: string]: AISDKJson };

/** Options for the provider of a model, under the name of the provider: `{ cohere: { inputType: 'search_document' } }`. */
export type AISDKProviderOptions = Record<string, Record<string, AISDKJson>>;

/** The members of an AI SDK embedding model that this library uses. The specifications v1, v2 and v3 all have them. */
export interface AISDKEmbeddingModel {
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  readonly supportsParallelCalls: PromiseLike<boolean> | boolean;
  doEmbed(options: {
    values: string[];
    abortSignal?: AbortSignal;
    providerOptions?: AISDKProviderOptions;
  }): PromiseLike<{ embeddings: number[][] }>;
}

/** The options of `fromAISDK()`. */
export interface AISDKOptions {
  /** The length of a vector, in numbers. A vector with another length fails with EMBEDDER_MISMATCH. */
  dimensions: number;
  /** The name of the embedding space. Default: the `modelId` of the model. */
  model?: string;
  /** The text that the model expects before memories and queries. Default: none. */
  prefix?: Prefix;
  /** Options that are sent to the provider with memories and with queries, such as the `inputType` of Cohere. Default: none. */
  providerOptions?: { document?: AISDKProviderOptions; query?: AISDKProviderOptions };
  /**
   * The longest text that is embedded as a whole, in tokens. Longer texts are split into chunks. Default: 512, which every model
   * accepts, and which is short enough that a single sentence still counts.
   */
  maxTokens?: number;
  /** The largest number of retries for a request that failed for a temporary reason. Default: 4. */
  maxRetries?: number;
  /** The time limit of one request, in milliseconds. Default: 20,000. */
  requestTimeoutMs?: number;
  /** The time limit of a request with all its retries and waits, in milliseconds. Default: 60,000. */
  timeoutMs?: number;
}

const modelShape = objectWith(['doEmbed'], ['modelId', 'maxEmbeddingsPerCall', 'supportsParallelCalls']);
const json: z.ZodType<AISDKJson> = z.json({ error: expected('a JSON value') });
const providerOptionsShape = z.record(z.string(), z.record(z.string(), json), {
  error: expected('an object with an object for each provider'),
});
const optionsShape = fields({
  ...modelOptions,
  model: nonEmptyString.exactOptional(),
  providerOptions: fields({
    document: providerOptionsShape.exactOptional(),
    query: providerOptionsShape.exactOptional(),
  }).exactOptional(),
  maxRetries: retryCount.exactOptional(),
  requestTimeoutMs: duration.exactOptional(),
  timeoutMs: duration.exactOptional(),
});

/**
 * Makes an embedder from an embedding model of the AI SDK, such as `openai.embedding('text-embedding-3-small')`. The AI SDK itself
 * need not be installed.
 *
 * Batches are split by `maxEmbeddingsPerCall` of the model. The requests are sent at the same time if `supportsParallelCalls` is
 * true. Failures that the SDK marks as retryable are retried with exponential backoff and full jitter; `Retry-After` is respected.
 * Every vector is checked and scaled to length 1.
 *
 * A call fails with EMBEDDING_FAILED, whose `retryable` tells whether a later call may succeed. It fails with EMBEDDER_MISSING if
 * the provider does not know the model, and with EMBEDDER_MISMATCH if a vector has another number of dimensions. Errors contain no
 * text, and nothing from the request or headers of the SDK.
 *
 * @throws INVALID_INPUT with every issue.
 */
export function fromAISDK(model: AISDKEmbeddingModel, options: AISDKOptions): Embedder {
  return fromAISDKIn(systemTiming, model, options);
}

/** Does the same as `fromAISDK`, with a clock for tests. */
export function fromAISDKIn(timing: Timing, model: AISDKEmbeddingModel, options: AISDKOptions): Embedder {
  parse(modelShape, model, 'model of fromAISDK');
  const given = parse(optionsShape, options, 'options of fromAISDK');
  const { dimensions, prefix = {}, maxTokens = 512, providerOptions = {} } = given;
  const name = given.model ?? model.modelId;
  const space = { model: nameWithPrefix(name, prefix), dimensions, normalized: true };
  const policy = { ...defaultRetryPolicy, ...given };
  const provider: Provider = { kind: embeddingModel, model: name, policy, limit: new RateLimit(timing), timing };
  const input = providerInput(prefix, maxTokens);
  const embed = (texts: readonly string[], role: TextRole, signal: AbortSignal | undefined) => {
    const call = defined({ values: [...texts], providerOptions: providerOptions[role] });
    return withRetries(provider, (abortSignal) => attempt(model, { ...call, abortSignal }, space, provider), signal);
  };
  return {
    space,
    maxTokens: input.maxTokens,
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const inputs = texts.map((text) => input.of(text, 'document'));
      const maxInputs = (await model.maxEmbeddingsPerCall) ?? Number.POSITIVE_INFINITY;
      const requests = splitIntoRequests(inputs, { maxInputs, maxCharacters: Number.POSITIVE_INFINITY });
      if (await model.supportsParallelCalls) {
        const tasks = requests.map((request) => (shared: AbortSignal) => embed(request, 'document', shared));
        return (await allOrNone(tasks, signal)).flat();
      }
      const vectors: Float32Array[] = [];
      for (const request of requests) vectors.push(...(await embed(request, 'document', signal)));
      return vectors;
    },
    async embedQuery(text, { signal } = {}) {
      signal?.throwIfAborted();
      const [vector] = await embed([input.of(text, 'query')], 'query', signal);
      return vector!;
    },
  };
}

async function attempt(
  model: AISDKEmbeddingModel,
  call: Parameters<AISDKEmbeddingModel['doEmbed']>[0],
  space: EmbeddingSpace,
  provider: Provider,
): Promise<Attempt<readonly Float32Array[]>> {
  try {
    const { embeddings } = Object(await model.doEmbed(call)) as { embeddings?: unknown };
    return { value: providerVectors(embeddings, call.values.length, space) };
  } catch (thrown) {
    if (call.abortSignal?.aborted) throw thrown;
    noteRateLimit(thrown, provider);
    return { error: MemoryError.is(thrown) ? thrown : clientFailure(thrown, provider, call.values) };
  }
}
