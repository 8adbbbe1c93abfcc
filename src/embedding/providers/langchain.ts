import { MemoryError } from '../../domain/errors';
import { parse } from '../../domain/parse/parse';
import { systemTiming } from '../../environment/timing';
import type { Embedder } from '../embedder';
import { libraryFailure } from '../local-models/library-failure';
import { nameWithPrefix, type Prefix } from '../prefix';
import { providerInput } from './provider-input';
import { langChainEmbeddingsShape, langChainShape } from './provider-options';
import { providerVectors } from './provider-vectors';
import { RateLimit } from './rate-limit';
import { type Attempt, type Provider, untilAnswered } from './retries';

/** What is used of LangChain's `Embeddings`. */
export interface LangChainEmbeddings {
  embedDocuments(documents: string[]): Promise<number[][]>;
  embedQuery(document: string): Promise<number[]>;
}

/** What `fromLangChain()` takes beside the embeddings. */
export interface LangChainOptions {
  /** The name of the embedding space: LangChain's interface does not tell which model is behind it. */
  model: string;
  /** Numbers of a vector. Has to be known before the first answer. A vector of another length is EMBEDDER_MISMATCH. */
  dimensions: number;
  /** What the model was trained to see before memories and questions. Default: nothing. */
  prefix?: Prefix;
  /** Longer texts are embedded in parts. Default: 512, which every model reads and in which one sentence still counts. */
  maxTokens?: number;
  /** Of a call to LangChain, with whatever it tries again by itself. Default: 60,000. */
  timeoutMs?: number;
}

/**
 * Embeds by an `Embeddings` of LangChain.js. The package itself is not needed here.
 *
 * LangChain's classes cut batches and try again by themselves, so nothing of that is done here; and they take no signal: a call
 * that is aborted, or too long for `timeoutMs`, is left behind. Every vector is checked, and comes out at length 1. Errors are
 * EMBEDDING_FAILED, which tells whether trying again later makes sense, EMBEDDER_MISSING for a model that the provider does not know,
 * and EMBEDDER_MISMATCH for other dimensions; none of them holds a text, nor what hangs on LangChain's own error.
 *
 * @throws INVALID_INPUT with every issue.
 */
export function fromLangChain(embeddings: LangChainEmbeddings, options: LangChainOptions): Embedder {
  parse(langChainEmbeddingsShape, embeddings, 'embeddings of fromLangChain');
  const given = parse(langChainShape, options, 'options of fromLangChain');
  const { model, dimensions, prefix = {}, maxTokens = 512, timeoutMs = 60_000 } = given;
  const space = { model: nameWithPrefix(model, prefix), dimensions, normalized: true };
  const patience = { maxRetries: 0, requestTimeoutMs: timeoutMs, timeoutMs };
  const provider: Provider = { model, patience, limit: new RateLimit(systemTiming), timing: systemTiming };
  const ask = (texts: readonly string[], embed: () => Promise<unknown>, signal: AbortSignal | undefined) => {
    const send = async (): Promise<Attempt<Float32Array[]>> => {
      try {
        return { value: providerVectors(await embed(), texts.length, space) };
      } catch (thrown) {
        return { error: MemoryError.is(thrown) ? thrown : libraryFailure(thrown, model, texts) };
      }
    };
    return untilAnswered(provider, send, signal);
  };
  const input = providerInput(prefix, maxTokens);
  return {
    space,
    maxTokens: input.maxTokens,
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      if (texts.length === 0) return [];
      const inputs = texts.map((text) => input.of(text, 'document'));
      return ask(inputs, () => embeddings.embedDocuments([...inputs]), signal);
    },
    async embedQuery(text, { signal } = {}) {
      signal?.throwIfAborted();
      const query = input.of(text, 'query');
      const [vector] = await ask([query], async () => [await embeddings.embedQuery(query)], signal);
      return vector!;
    },
  };
}
