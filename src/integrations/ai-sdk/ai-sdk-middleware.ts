import type { MemoryHandle } from '../../index';
import { TurnMemory, type TurnMemoryOptions } from '../shared/turn-memory';
import { isFinalAnswer, lastUserIndex, searchText, type Turn, turnMemories } from './ai-sdk-turn';
import { storeAtEnd } from './answer-stream';
import type { ContentPart, ModelCall, ModelResult, ModelStream, PromptMessage } from './language-model';

/** Options of `memoryMiddleware`. */
export interface MemoryMiddlewareOptions extends TurnMemoryOptions<Turn> {}

/** A middleware for `wrapLanguageModel` in versions 6 and 7 of the package `ai`. */
export interface MemoryMiddleware {
  /** Version 6 requires this value; version 7 accepts any. */
  readonly specificationVersion: 'v3';
  transformParams<P extends ModelCall>(options: { params: P }): Promise<P>;
  wrapGenerate<R extends ModelResult>(options: { doGenerate: () => PromiseLike<R>; params: ModelCall }): Promise<R>;
  wrapStream<R extends ModelStream>(options: { doStream: () => PromiseLike<R>; params: ModelCall }): Promise<R>;
}

/**
 * Gives a language model a memory. Before each model call it searches with the user's last message. It puts the found memories at the
 * start of that message and marks them as data. After the final answer it stores the turn. The application's own messages do not change.
 *
 * Reads and writes use the handle's principal and scope. A turn with tool calls is stored once, with its final answer. Nothing is stored
 * if the answer failed, was filtered or was aborted.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
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
  const memory = new TurnMemory<Turn>(handle, options, turnMemories);
  /** The messages of each turn before memories were added. The keys are the parameters that `transformParams` returned. */
  const turns = new WeakMap<object, readonly PromptMessage[]>();

  const storeTurn = async (params: ModelCall, answer: readonly ContentPart[]): Promise<void> => {
    const messages = turns.get(params);
    if (messages !== undefined) await memory.storeTurn({ messages, answer }, params.abortSignal);
  };

  return {
    specificationVersion: 'v3',
    transformParams: async ({ params }) => {
      const { prompt, abortSignal } = params;
      const index = lastUserIndex(prompt);
      const message = prompt[index];
      if (message === undefined) return params;
      const block = await memory.recallBlock(searchText(message.content), abortSignal);
      const changed =
        block === '' ? { ...params } : { ...params, prompt: prompt.with(index, withBlock(message, block)) };
      turns.set(changed, prompt.slice(index));
      return changed;
    },
    wrapGenerate: async ({ doGenerate, params }) => {
      const result = await doGenerate();
      if (isFinalAnswer(result.finishReason.unified)) await storeTurn(params, result.content);
      return result;
    },
    wrapStream: async ({ doStream, params }) => {
      const result = await doStream();
      const stored = storeAtEnd(params.abortSignal, (answer) => storeTurn(params, answer));
      return { ...result, stream: result.stream.pipeThrough(stored) };
    },
  };
}

/** Puts a block at the start of a message. In a user message, memories have no more authority than the user's own words. */
function withBlock(message: PromptMessage, block: string): PromptMessage {
  const { content } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return { ...message, content: [{ type: 'text', text: `${block}\n\n` }, ...parts] };
}
