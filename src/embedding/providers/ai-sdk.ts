import { MemoryError } from '../../domain/errors';
import { parse } from '../../domain/parse/parse';
import { systemTiming, type Timing } from '../../environment/timing';
import { allOrNone } from '../batching/all-or-none';
import type { Role } from '../batching/embedding-cache';
import { nextRequest } from '../batching/requests';
import type { Embedder, EmbeddingSpace } from '../embedder';
import { libraryFailure } from '../local-models/library-failure';
import { nameWithPrefix, type Prefix } from '../prefix';
import type { AISDKEmbeddingModel, AISDKProviderOptions } from './ai-sdk-model';
import { providerInput } from './provider-input';
import { aiSdkModelShape, aiSdkShape } from './provider-options';
import { providerVectors } from './provider-vectors';
import { askedToWaitMs, RateLimit } from './rate-limit';
import { type Attempt, defaultPatience, type Provider, untilAnswered } from './retries';

/** What `fromAISDK()` takes beside the model. */
export interface AISDKOptions {
  /** Numbers of a vector. Has to be known before the first answer. A vector of another length is EMBEDDER_MISMATCH. */
  dimensions: number;
  /** The name of the embedding space. Default: the `modelId` of the model. */
  model?: string;
  /** What the model was trained to see before memories and questions. Default: nothing. */
  prefix?: Prefix;
  /** Handed to the provider with memories and with questions, such as the `inputType` of Cohere. Default: nothing. */
  providerOptions?: { document?: AISDKProviderOptions; query?: AISDKProviderOptions };
  /** Longer texts are embedded in parts. Default: 512, which every model reads and in which one sentence still counts. */
  maxTokens?: number;
  /** Requests sent again after one failed for a passing reason. Default: 4. */
  maxRetries?: number;
  /** Time of one request. Default: 20,000. */
  requestTimeoutMs?: number;
  /** Time of one request with all its repetitions and waits. Default: 60,000. */
  timeoutMs?: number;
}

/**
 * Embeds by an embedding model of the AI SDK: `openai.embedding('text-embedding-3-small')`. The package itself is not needed here.
 *
 * Batches are cut to the model's `maxEmbeddingsPerCall`, and sent at the same time where it `supportsParallelCalls`. Passing failures
 * (those the SDK calls retryable) are tried again with exponential backoff and full jitter, `Retry-After` is honoured. Every vector
 * is checked, and comes out at length 1. Errors are EMBEDDING_FAILED, which tells whether trying again later makes sense,
 * EMBEDDER_MISSING for a model that the provider does not know, and EMBEDDER_MISMATCH for other dimensions; none of them holds a text, nor a request of the SDK with its headers.
 *
 * @throws INVALID_INPUT with every issue.
 */
export function fromAISDK(model: AISDKEmbeddingModel, options: AISDKOptions): Embedder {
  return fromAISDKIn(systemTiming, model, options);
}

/** The same in another time, for tests. */
export function fromAISDKIn(timing: Timing, model: AISDKEmbeddingModel, options: AISDKOptions): Embedder {
  parse(aiSdkModelShape, model, 'model of fromAISDK');
  const given = parse(aiSdkShape, options, 'options of fromAISDK');
  const { dimensions, prefix = {}, maxTokens = 512, providerOptions = {} } = given;
  const name = given.model ?? model.modelId;
  const space = { model: nameWithPrefix(name, prefix), dimensions, normalized: true };
  const patience = { ...defaultPatience, ...given };
  const provider: Provider = { model: name, patience, limit: new RateLimit(timing), timing };
  const input = providerInput(prefix, maxTokens);
  const embed = (texts: readonly string[], role: Role, signal: AbortSignal | undefined) => {
    const chosen = providerOptions[role];
    const call = { values: [...texts], ...(chosen === undefined ? {} : { providerOptions: chosen }) };
    return untilAnswered(provider, (abortSignal) => attempt(model, { ...call, abortSignal }, space, provider), signal);
  };
  return {
    space,
    maxTokens: input.maxTokens,
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const inputs = texts.map((text) => input.of(text, 'document'));
      const maxInputs = (await model.maxEmbeddingsPerCall) ?? Number.POSITIVE_INFINITY;
      const requests = cut(inputs, maxInputs);
      if (await model.supportsParallelCalls) {
        const tasks = requests.map((texts) => (shared: AbortSignal) => embed(texts, 'document', shared));
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

function cut(texts: readonly string[], maxInputs: number): (readonly string[])[] {
  const requests: (readonly string[])[] = [];
  for (let from = 0; from < texts.length; from += requests.at(-1)!.length) {
    requests.push(nextRequest(texts, from, { maxInputs, maxCharacters: Number.POSITIVE_INFINITY }));
  }
  return requests;
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
    heed(thrown, provider);
    return { error: MemoryError.is(thrown) ? thrown : libraryFailure(thrown, provider.model, call.values) };
  }
}

function heed(thrown: unknown, { limit, timing }: Provider): void {
  const { isRetryable, responseHeaders } = Object(thrown) as Record<string, unknown>;
  const headers = new Map(Object.entries(Object(responseHeaders) as Record<string, string>));
  const asked = askedToWaitMs({ get: (name) => headers.get(name) ?? null }, () => timing.now());
  if (isRetryable === true && asked !== undefined) limit.closeFor(asked);
}
