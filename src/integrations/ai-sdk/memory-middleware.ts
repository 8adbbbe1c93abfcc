import { type ContextOptions, type MemoryHandle, type NewMemory, type RecallOptions, toContext } from '../../index';
import { checkHandle, checkOptions } from './ai-sdk-checks';
import type { ContentPart, ModelCall, ModelResult, ModelStream, PromptMessage } from './model-types';
import { streamedTurn } from './streamed-turn';
import { isAnswer, lastAsked, memoriesOf, type Turn } from './turns';
import { textIn } from './written';

/** What `memoryMiddleware` takes beside its handle. */
export interface MemoryMiddlewareOptions {
  /** Among what is searched, and how. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The budget of what is put before the model. Default: 1,000 tokens. */
  maxTokens?: number;
  /** See `toContext`. */
  countTokens?: ContextOptions['countTokens'];
  /** What is stored after a turn; false for nothing. Default: what the user said and what the model answered, as one memory. */
  remember?: false | ((turn: Turn) => readonly NewMemory[] | Promise<readonly NewMemory[]>);
  /**
   * Hears of a search or a write that failed, and the model goes on without it. Default: the error fails the call, since an agent
   * that forgets without a word is worse than one that fails.
   */
  onError?: (error: unknown, during: 'recall' | 'remember') => void;
}

/** A middleware for `wrapLanguageModel` of `ai` 6 and 7. */
export interface MemoryMiddleware {
  /** What version 6 asks for; version 7 takes any. */
  readonly specificationVersion: 'v3';
  transformParams<P extends ModelCall>(options: { params: P }): Promise<P>;
  wrapGenerate<R extends ModelResult>(options: { doGenerate: () => PromiseLike<R>; params: ModelCall }): Promise<R>;
  wrapStream<R extends ModelStream>(options: { doStream: () => PromiseLike<R>; params: ModelCall }): Promise<R>;
}

const known = ['recall', 'maxTokens', 'countTokens', 'remember', 'onError'];
const defaultMaxTokens = 1_000;

/**
 * Gives a language model a memory: before each call it recalls what the user's last message asks for and puts it at the head of
 * that message, fenced as data; after an answer it stores the turn. The messages of the application stay as they are.
 *
 * Who reads and writes is fixed by the handle. A call that ends with calls of tools is no answer yet: the turn is stored with the
 * one that is. Nothing is stored of an answer that failed, was filtered or was aborted.
 *
 * @example
 * ```ts
 * import { generateText, type LanguageModel, wrapLanguageModel } from 'ai';
 * import { MemoryStore } from 'multi-agent-memory';
 * import { memoryMiddleware } from 'multi-agent-memory/ai-sdk';
 * declare const model: Exclude<LanguageModel, string> & { specificationVersion: 'v3' };
 * const store = await MemoryStore.open('./memory');
 * const handle = store.as({ agentId: 'support' }, { namespace: ['support'] });
 * const remembering = wrapLanguageModel({ model, middleware: memoryMiddleware(handle) });
 * await generateText({ model: remembering, prompt: 'Which hub does my bicycle have?' });
 * ```
 */
export function memoryMiddleware(handle: MemoryHandle, options: MemoryMiddlewareOptions = {}): MemoryMiddleware {
  checkHandle(handle);
  checkOptions(options, known);
  const { recall, maxTokens = defaultMaxTokens, countTokens, remember = memoriesOf, onError } = options;
  /** What was asked, by the call as it was changed. */
  const asked = new WeakMap<object, readonly PromptMessage[]>();

  const attempt = async <T>(during: 'recall' | 'remember', call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call();
    } catch (error) {
      if (onError === undefined) throw error;
      onError(error, during);
      return undefined;
    }
  };

  const blockFor = async (message: PromptMessage, signal: AbortSignal | undefined): Promise<string> => {
    const query = textIn(message.content);
    // With nothing but files there is nothing to ask for.
    if (query === '') return '';
    const hits = await handle.recall(query, { ...recall, ...(signal === undefined ? {} : { signal }) });
    return toContext(hits, { maxTokens, ...(countTokens === undefined ? {} : { countTokens }) }).text;
  };

  const store = async (params: ModelCall, answer: readonly ContentPart[]): Promise<void> => {
    const messages = asked.get(params);
    if (remember === false || messages === undefined) return;
    const { abortSignal: signal } = params;
    await attempt('remember', async () => {
      const memories = await remember({ messages, answer });
      if (memories.length === 0) return;
      await handle.rememberMany(memories, { atomic: true, ...(signal === undefined ? {} : { signal }) });
    });
  };

  return {
    specificationVersion: 'v3',
    transformParams: async ({ params }) => {
      const { prompt, abortSignal } = params;
      const at = lastAsked(prompt);
      const message = prompt[at];
      if (message === undefined) return params;
      const block = (await attempt('recall', () => blockFor(message, abortSignal))) ?? '';
      const changed = { ...params, ...(block === '' ? {} : { prompt: prompt.with(at, withBlock(message, block)) }) };
      asked.set(changed, prompt.slice(at));
      return changed;
    },
    wrapGenerate: async ({ doGenerate, params }) => {
      const result = await doGenerate();
      if (isAnswer(result.finishReason.unified)) await store(params, result.content);
      return result;
    },
    wrapStream: async ({ doStream, params }) => {
      const result = await doStream();
      const stored = streamedTurn(params.abortSignal, (answer) => store(params, answer));
      return { ...result, stream: result.stream.pipeThrough(stored) };
    },
  };
}

/** A message that begins with the block. In the user's own message it has no more weight than what the user says. */
function withBlock(message: PromptMessage, block: string): PromptMessage {
  const { content } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return { ...message, content: [{ type: 'text', text: `${block}\n\n` }, ...parts] };
}
