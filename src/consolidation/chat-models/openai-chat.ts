import { MemoryError } from '../../domain/errors';
import { fields, parse } from '../../domain/parse/shapes';
import { systemTiming, type Timing } from '../../environment/timing';
import { chatModel } from '../../providers/model-kind';
import { nonEmptyString, serverOptions } from '../../providers/model-options';
import { malformed, memberOf, type ProviderResponse, responseError } from '../../providers/openai-response';
import { OpenAIServer } from '../../providers/openai-server';
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
  usageFrom,
} from './chat-summarizer';

/** The options of `openAIChat()`. */
export interface OpenAIChatOptions extends ChatOptions {
  /**
   * The address without `/chat/completions`: 'https://api.openai.com/v1', 'http://localhost:11434/v1' for Ollama. URL parameters are sent
   * with every request and never appear in errors.
   */
  baseURL: string;
  /** The name of the model on the server: 'gpt-4o-mini', 'llama3.2'. */
  model: string;
  /** The API key, sent as `Authorization: Bearer`. Default: none. Local servers usually need none. */
  apiKey?: string;
  /** Headers to send with every request. Their values never appear in errors. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** The largest number of retries for a request that failed for a temporary reason. Default: 2. */
  maxRetries?: number;
  /** The time limit of one request, in milliseconds. Default: 120,000. */
  requestTimeoutMs?: number;
  /** The time limit of a request with all its retries and waits, in milliseconds. Default: 300,000. */
  timeoutMs?: number;
}

const optionsShape = fields({ ...chatOptions, ...serverOptions, model: nonEmptyString });

/**
 * Makes a summarizer from a chat model on a server that implements OpenAI's protocol (`POST {baseURL}/chat/completions`): OpenAI, Ollama,
 * vLLM, LM Studio and many others.
 *
 * The model gets the texts as numbered JSON data beside a fixed instruction, and no tools. Temporary failures are retried as by
 * `openAICompatible()`. A parameter that the server rejects (`response_format`, `temperature`, `max_tokens`) is left out of later requests.
 * Facts that their sources do not support are
 * dropped, see `groundedSummarizer`.
 *
 * A call fails with SUMMARIZER_FAILED, whose `retryable` tells whether a later call may succeed. Errors never contain API keys, headers or
 * texts. Redirects are not followed.
 *
 * @throws INVALID_INPUT with every issue.
 * @example
 * ```ts
 * import { openAIChat } from 'multi-agent-memory';
 * const summarizer = openAIChat({
 *   baseURL: 'https://api.openai.com/v1',
 *   model: 'gpt-4o-mini',
 *   apiKey: process.env.OPENAI_API_KEY ?? 'none',
 *   maxInputTokens: 100_000,
 * });
 * summarizer.name satisfies string;
 * ```
 */
export function openAIChat(options: OpenAIChatOptions): Summarizer {
  return openAIChatIn(systemTiming, options);
}

/** Does the same as `openAIChat`, with a clock for tests. */
export function openAIChatIn(timing: Timing, options: OpenAIChatOptions): Summarizer {
  const given = parse(optionsShape, options, 'options of openAIChat');
  const policy = { ...chatRetryPolicy, ...given };
  const provider: Provider = { kind: chatModel, model: given.model, policy, limit: new RateLimit(timing), timing };
  const endpoint = new ChatEndpoint(given, provider);
  return chatSummarizer(provider, given, (request, signal) => endpoint.attempt(request, signal));
}

/** The parameters that some servers or models reject, and what takes their place then. */
const replaceable = {
  response_format: {},
  temperature: {},
  // The models of OpenAI that reason know only the newer name.
  max_tokens: { newerName: 'max_completion_tokens' },
} as const;

class ChatEndpoint {
  readonly #server: OpenAIServer;
  readonly #provider: Provider;
  readonly #parameters: Record<string, unknown>;

  constructor(options: OpenAIChatOptions, provider: Provider) {
    this.#server = new OpenAIServer(options, '/chat/completions', provider);
    this.#provider = provider;
    this.#parameters = {
      response_format: { type: 'json_object' },
      temperature: 0,
      max_tokens: options.maxOutputTokens ?? defaultOutputTokens,
    };
  }

  async attempt(request: ChatRequest, signal: AbortSignal): Promise<Attempt<ChatAnswer>> {
    const sensitive = this.#server.sensitive(request.texts);
    try {
      const response = await this.#send(request, signal);
      if (response.status >= 200 && response.status < 300)
        return { value: answerOf(response, this.#provider, memberOf(response, 'choices', this.#provider, sensitive)) };
      if (this.#leavesOut(response)) return await this.attempt(request, signal);
      return { error: responseError(response, this.#provider, sensitive) };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { error: MemoryError.is(thrown) ? thrown : this.#server.unreachable(thrown, sensitive) };
    }
  }

  #send({ system, user }: ChatRequest, signal: AbortSignal): Promise<ProviderResponse> {
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ];
    return this.#server.post({ model: this.#provider.model, messages, ...this.#parameters }, signal);
  }

  /** Leaves out the parameter that a response rejects. Returns false if it rejects none. */
  #leavesOut({ status, body }: ProviderResponse): boolean {
    if (status !== 400 && status !== 422) return false;
    for (const [name, { newerName }] of Object.entries(replaceable) as [string, { newerName?: string }][]) {
      if (!(name in this.#parameters) || !body.includes(name)) continue;
      if (newerName !== undefined) this.#parameters[newerName] = this.#parameters[name];
      delete this.#parameters[name];
      return true;
    }
    return false;
  }
}

function answerOf(response: ProviderResponse, provider: Provider, choices: unknown): ChatAnswer {
  const [choice] = Array.isArray(choices) ? (choices as readonly unknown[]) : [];
  const { message } = Object(choice) as { message?: unknown };
  const { content } = Object(message) as { content?: unknown };
  if (message === undefined) throw malformed(response, provider, 'contains no message.', true);
  const { usage } = JSON.parse(response.body) as { usage?: Record<string, unknown> };
  const counted = usageFrom(usage?.prompt_tokens, usage?.completion_tokens);
  return { text: typeof content === 'string' ? content : '', ...(counted === undefined ? {} : { usage: counted }) };
}
