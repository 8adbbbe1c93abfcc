import { MemoryError } from '../../domain/errors';
import { fields, parse } from '../../domain/parse/shapes';
import { systemTiming } from '../../environment/timing';
import { clientFailure } from '../../providers/client-failure';
import { chatModel } from '../../providers/model-kind';
import { duration, nonEmptyString, objectWith } from '../../providers/model-options';
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
  usageFrom,
} from './chat-summarizer';

/** The method of a chat model from LangChain that this library uses. */
export interface LangChainChat {
  invoke(
    messages: ['system' | 'human', string][],
    options?: { signal?: AbortSignal },
  ): Promise<{ readonly content: unknown; readonly usage_metadata?: unknown }>;
}

/** The options of `fromLangChainChat()`. The largest number of tokens of an answer is an option of LangChain's model. */
export interface LangChainChatOptions extends Pick<ChatOptions, 'maxInputTokens'> {
  /** The name of the model, which is stored with every fact. LangChain's interface does not reveal it, so name it here. */
  model: string;
  /** The time limit of one call to LangChain, in milliseconds. It includes the retries that LangChain makes itself. Default: 300,000. */
  timeoutMs?: number;
}

const chatShape = objectWith(['invoke']);
const optionsShape = fields({
  model: nonEmptyString,
  maxInputTokens: chatOptions.maxInputTokens,
  timeoutMs: duration.exactOptional(),
});

/**
 * Makes a summarizer from a chat model of LangChain.js. LangChain itself need not be installed. LangChain retries requests itself, so this
 * function does not.
 *
 * The model gets the texts as numbered JSON data beside a fixed instruction, and no tools. Facts that their sources do not support are
 * dropped, see `groundedSummarizer`.
 *
 * A call fails with SUMMARIZER_FAILED, whose `retryable` tells whether a later call may succeed. Errors contain no text. Of LangChain's
 * error they contain only the redacted message.
 *
 * @throws INVALID_INPUT with every issue.
 */
export function fromLangChainChat(chat: LangChainChat, options: LangChainChatOptions): Summarizer {
  parse(chatShape, chat, 'chat of fromLangChainChat');
  const given = parse(optionsShape, options, 'options of fromLangChainChat');
  const { model, timeoutMs = chatRetryPolicy.timeoutMs } = given;
  const policy = { maxRetries: 0, requestTimeoutMs: timeoutMs, timeoutMs };
  const limit = new RateLimit(systemTiming);
  const provider: Provider = { kind: chatModel, model, policy, limit, timing: systemTiming };
  return chatSummarizer(provider, given, (request, signal) => attempt(chat, request, signal, provider));
}

async function attempt(
  chat: LangChainChat,
  { system, user, texts }: ChatRequest,
  signal: AbortSignal,
  provider: Provider,
): Promise<Attempt<ChatAnswer>> {
  try {
    const messages: ['system' | 'human', string][] = [
      ['system', system],
      ['human', user],
    ];
    return { value: answerOf(await chat.invoke(messages, { signal })) };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return { error: MemoryError.is(thrown) ? thrown : clientFailure(thrown, provider, texts) };
  }
}

function answerOf(message: unknown): ChatAnswer {
  const { content, usage_metadata: usage } = Object(message) as { content?: unknown; usage_metadata?: unknown };
  const parts = Array.isArray(content) ? (content as readonly unknown[]) : [content];
  const texts = parts.map((part) => {
    const text = typeof part === 'string' ? part : (Object(part) as { text?: unknown }).text;
    return typeof text === 'string' ? text : '';
  });
  const { input_tokens: input, output_tokens: output } = Object(usage) as Record<string, unknown>;
  const counted = usageFrom(input, output);
  return { text: texts.join(''), ...(counted === undefined ? {} : { usage: counted }) };
}
