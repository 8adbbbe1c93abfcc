import { MemoryError } from '../../domain/errors';
import { fields, parse } from '../../domain/parse/shapes';
import { systemTiming } from '../../environment/timing';
import { clientFailure } from '../../providers/client-failure';
import { embeddingModel } from '../../providers/model-kind';
import { duration, objectWith } from '../../providers/model-options';
import { RateLimit } from '../../providers/rate-limit';
import { type Attempt, type Provider, withRetries } from '../../providers/retries';
import type { Embedder } from '../embedder';
import { modelOptions } from '../embedder-options';
import { nameWithPrefix, type Prefix, providerInput } from '../prefix';
import { providerVectors } from './provider-results';

/** The methods of `Embeddings` from LangChain that this library uses. */
export interface LangChainEmbeddings {
  embedDocuments(documents: string[]): Promise<number[][]>;
  embedQuery(document: string): Promise<number[]>;
}

/** The options of `fromLangChain()`. */
export interface LangChainOptions {
  /** The name of the embedding space. LangChain's interface does not reveal the model, so name it here. */
  model: string;
  /** The length of a vector, in numbers. A vector with another length fails with EMBEDDER_MISMATCH. */
  dimensions: number;
  /** The text that the model expects before memories and queries. Default: none. */
  prefix?: Prefix;
  /**
   * The longest text that is embedded as a whole, in tokens. Longer texts are split into chunks. Default: 512, which every model
   * accepts, and which is short enough that a single sentence still counts.
   */
  maxTokens?: number;
  /** The time limit of one call to LangChain, in milliseconds. It includes the retries that LangChain makes itself. Default: 60,000. */
  timeoutMs?: number;
}

const embeddingsShape = objectWith(['embedDocuments', 'embedQuery']);
const optionsShape = fields({ ...modelOptions, timeoutMs: duration.exactOptional() });

/**
 * Makes an embedder from an `Embeddings` object of LangChain.js. LangChain itself need not be installed.
 *
 * LangChain's classes split batches and retry requests themselves, so this function does neither. They accept no signal, so a call
 * that is aborted or exceeds `timeoutMs` continues in the background, and its result is ignored. Every vector is checked and scaled
 * to length 1.
 *
 * A call fails with EMBEDDING_FAILED, whose `retryable` tells whether a later call may succeed. It fails with EMBEDDER_MISSING if
 * the provider does not know the model, and with EMBEDDER_MISMATCH if a vector has another number of dimensions. Errors contain no
 * text. Of LangChain's error they contain only the redacted message.
 *
 * @throws INVALID_INPUT with every issue.
 */
export function fromLangChain(embeddings: LangChainEmbeddings, options: LangChainOptions): Embedder {
  parse(embeddingsShape, embeddings, 'embeddings of fromLangChain');
  const given = parse(optionsShape, options, 'options of fromLangChain');
  const { model, dimensions, prefix = {}, maxTokens = 512, timeoutMs = 60_000 } = given;
  const space = { model: nameWithPrefix(model, prefix), dimensions, normalized: true };
  const policy = { maxRetries: 0, requestTimeoutMs: timeoutMs, timeoutMs };
  const limit = new RateLimit(systemTiming);
  const provider: Provider = { kind: embeddingModel, model, policy, limit, timing: systemTiming };
  const request = (texts: readonly string[], embed: () => Promise<unknown>, signal: AbortSignal | undefined) => {
    const send = async (): Promise<Attempt<Float32Array[]>> => {
      try {
        return { value: providerVectors(await embed(), texts.length, space) };
      } catch (thrown) {
        return { error: MemoryError.is(thrown) ? thrown : clientFailure(thrown, provider, texts) };
      }
    };
    return withRetries(provider, send, signal);
  };
  const input = providerInput(prefix, maxTokens);
  return {
    space,
    maxTokens: input.maxTokens,
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      if (texts.length === 0) return [];
      const inputs = texts.map((text) => input.of(text, 'document'));
      return request(inputs, () => embeddings.embedDocuments([...inputs]), signal);
    },
    async embedQuery(text, { signal } = {}) {
      signal?.throwIfAborted();
      const query = input.of(text, 'query');
      const [vector] = await request([query], async () => [await embeddings.embedQuery(query)], signal);
      return vector!;
    },
  };
}
