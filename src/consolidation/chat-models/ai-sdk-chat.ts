import { MemoryError } from '../../domain/errors';
import { fields, parse } from '../../domain/parse/shapes';
import { systemTiming, type Timing } from '../../environment/timing';
import { clientFailure, noteRateLimit } from '../../providers/client-failure';
import { chatModel } from '../../providers/model-kind';
import { objectWith } from '../../providers/model-options';
import { RateLimit } from '../../providers/rate-limit';
import type { Attempt, Provider } from '../../providers/retries';
import type { Summarizer } from '../summarizer';
import {
  type ChatAnswer,
  type ChatOptions,
  type ChatRequest,
  chatOptions,
  chatRetryPolicy,
  chatSummarizer,
  defaultOutputTokens,
  retryOptions,
  usageFrom,
} from './chat-summarizer';

/** The members of an AI SDK language model that this library uses. The specifications v2, v3 and v4 all have them. */
export interface AISDKLanguageModel {
  readonly modelId: string;
  doGenerate(options: {
    prompt: ({ role: 'system'; content: string } | { role: 'user'; content: { type: 'text'; text: string }[] })[];
    maxOutputTokens?: number;
    temperature?: number;
    responseFormat?: { type: 'json' };
    abortSignal?: AbortSignal;
  }): PromiseLike<{ content: readonly { readonly type: string }[]; usage?: unknown }>;
}

/** The options of `fromAISDKChat()`. */
export interface AISDKChatOptions extends ChatOptions {
  /** The largest number of retries for a request that failed for a temporary reason. Default: 2. */
  maxRetries?: number;
  /** The time limit of one request, in milliseconds. Default: 120,000. */
  requestTimeoutMs?: number;
  /** The time limit of a request with all its retries and waits, in milliseconds. Default: 300,000. */
  timeoutMs?: number;
}

const modelShape = objectWith(['doGenerate'], ['modelId']);
const optionsShape = fields({ ...chatOptions, ...retryOptions });

/**
 * Makes a summarizer from a language model of the AI SDK, such as `openai('gpt-4o-mini')`. The AI SDK itself need not be installed.
 *
 * The model gets the texts as numbered JSON data beside a fixed instruction, and no tools. Failures that the SDK marks as retryable are
 * retried with exponential backoff and full jitter; `Retry-After` is respected. Facts that their sources do not support are
 * dropped, see `groundedSummarizer`.
 *
 * A call fails with SUMMARIZER_FAILED, whose `retryable` tells whether a later call may succeed. Errors contain no text, and nothing from
 * the request or headers of the SDK.
 *
 * @throws INVALID_INPUT with every issue.
 */
export function fromAISDKChat(model: AISDKLanguageModel, options: AISDKChatOptions = {}): Summarizer {
  return fromAISDKChatIn(systemTiming, model, options);
}

/** Does the same as `fromAISDKChat`, with a clock for tests. */
export function fromAISDKChatIn(timing: Timing, model: AISDKLanguageModel, options: AISDKChatOptions): Summarizer {
  parse(modelShape, model, 'model of fromAISDKChat');
  const given = parse(optionsShape, options, 'options of fromAISDKChat');
  const policy = { ...chatRetryPolicy, ...given };
  const provider: Provider = { kind: chatModel, model: model.modelId, policy, limit: new RateLimit(timing), timing };
  const maxOutputTokens = given.maxOutputTokens ?? defaultOutputTokens;
  return chatSummarizer(provider, given, (request, abortSignal) =>
    attempt(model, request, { maxOutputTokens, abortSignal }, provider),
  );
}

async function attempt(
  model: AISDKLanguageModel,
  { system, user, texts }: ChatRequest,
  call: { maxOutputTokens: number; abortSignal: AbortSignal },
  provider: Provider,
): Promise<Attempt<ChatAnswer>> {
  try {
    const result = await model.doGenerate({
      ...call,
      prompt: [
        { role: 'system', content: system },
        { role: 'user', content: [{ type: 'text', text: user }] },
      ],
      temperature: 0,
      responseFormat: { type: 'json' },
    });
    return { value: answerOf(result) };
  } catch (thrown) {
    if (call.abortSignal.aborted) throw thrown;
    noteRateLimit(thrown, provider);
    return { error: MemoryError.is(thrown) ? thrown : clientFailure(thrown, provider, texts) };
  }
}

function answerOf(result: unknown): ChatAnswer {
  const { content, usage } = Object(result) as { content?: unknown; usage?: unknown };
  const parts = Array.isArray(content) ? (content as readonly unknown[]) : [];
  const text = parts.map((part) => {
    const { type, text } = Object(part) as { type?: unknown; text?: unknown };
    return type === 'text' && typeof text === 'string' ? text : '';
  });
  const { inputTokens, outputTokens } = Object(usage) as { inputTokens?: unknown; outputTokens?: unknown };
  const counted = usageFrom(totalOf(inputTokens), totalOf(outputTokens));
  return { text: text.join(''), ...(counted === undefined ? {} : { usage: counted }) };
}

/** The specification v2 has a number; later ones have an object with the total. */
function totalOf(tokens: unknown): unknown {
  return typeof tokens === 'number' ? tokens : (Object(tokens) as { total?: unknown }).total;
}
