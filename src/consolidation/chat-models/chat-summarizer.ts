import { integer } from '../../domain/parse/shapes';
import { duration, retryCount } from '../../providers/model-options';
import { type Attempt, type Provider, type RetryPolicy, withRetries } from '../../providers/retries';
import { groundedSummarizer } from '../grounded-summarizer';
import { budgetOf } from '../ratio';
import type { Summarizer, TokenUsage } from '../summarizer';
import { instructions, instructionsVersion, sourcesMessage } from '../summary-prompt';
import { factsIn } from './facts-in-answer';

/** The options that all chat models share. */
export interface ChatOptions {
  /**
   * The longest group that the model reads, in tokens. Default: 2,500, because Ollama cuts off longer requests without a word unless its
   * `num_ctx` is raised. OpenAI's models accept 100,000.
   */
  maxInputTokens?: number;
  /** The largest number of tokens of an answer. Default: 2,000. */
  maxOutputTokens?: number;
}

/** Accepts the options that all chat models share. */
export const chatOptions = {
  maxInputTokens: integer(1).exactOptional(),
  maxOutputTokens: integer(1).exactOptional(),
};

/** Accepts the options of models whose requests this library retries. */
export const retryOptions = {
  maxRetries: retryCount.exactOptional(),
  requestTimeoutMs: duration.exactOptional(),
  timeoutMs: duration.exactOptional(),
};

const defaultInputTokens = 2_500;
export const defaultOutputTokens = 2_000;
/** A chat model takes much longer than an embedding model. */
export const chatRetryPolicy: RetryPolicy = { maxRetries: 2, requestTimeoutMs: 120_000, timeoutMs: 300_000 };

/** What a chat model is asked. */
export interface ChatRequest {
  readonly system: string;
  readonly user: string;
  /** The texts of the sources, which must not occur in an error. */
  readonly texts: readonly string[];
}

/** What a chat model answered. */
export interface ChatAnswer {
  readonly text: string;
  readonly usage?: TokenUsage;
}

/** Makes a summarizer from a chat model. It asks once for each group, without tools, and returns only the facts that their sources support. */
export function chatSummarizer(
  provider: Provider,
  { maxInputTokens = defaultInputTokens }: ChatOptions,
  ask: (request: ChatRequest, signal: AbortSignal) => Promise<Attempt<ChatAnswer>>,
): Summarizer {
  return groundedSummarizer({
    name: `${provider.model}, prompt ${instructionsVersion}`,
    maxInputTokens,
    async summarize(group, options) {
      options.signal?.throwIfAborted();
      const budget = budgetOf(group, options);
      if (group.sources.length === 0) return { facts: [] };
      const texts = group.sources.map(({ text }) => text);
      const request = { system: instructions, user: sourcesMessage(group, budget), texts };
      const { text, usage } = await withRetries(provider, (signal) => ask(request, signal), options.signal);
      return { facts: factsIn(text), ...(usage === undefined ? {} : { usage }) };
    },
  });
}

/** The usage of a call from two counts that may be anything. Undefined if the model counts neither. */
export function usageFrom(input: unknown, output: unknown): TokenUsage | undefined {
  if (!isCount(input) && !isCount(output)) return undefined;
  return { inputTokens: isCount(input) ? input : 0, outputTokens: isCount(output) ? output : 0 };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
