import { type BaseMessage, HumanMessage } from '@langchain/core/messages';
import { createMiddleware } from 'langchain';
import { defined } from '../../domain/defined';
import type { MemoryHandle } from '../../index';
import { TurnMemory, type TurnMemoryOptions } from '../shared/turn-memory';
import { lastTurn, type Turn, turnMemories } from './langchain-turn';

/** Options of `memoryMiddleware`. */
export interface MemoryMiddlewareOptions extends TurnMemoryOptions<Turn> {}

/**
 * Gives an agent from `createAgent` a memory. Before each turn it searches with the user's message. It puts the found memories at the
 * start of that message and marks them as data. After the turn it stores the user's message and the answer. The messages in the agent's
 * state do not change.
 *
 * Reads and writes use the handle's principal and scope. Stored memories belong to the session in the handle's scope. If the scope has
 * none, the agent's `thread_id` is their session.
 *
 * @throws INVALID_INPUT for a value that is not a handle, and for unknown options
 * @example
 * ```ts
 * import { createAgent, type ReactAgent } from 'langchain';
 * import { MemoryStore } from 'multi-agent-memory';
 * import { memoryMiddleware } from 'multi-agent-memory/langchain';
 * const store = await MemoryStore.open('./memory');
 * const handle = store.as({ agentId: 'support' }, { namespace: ['support'] });
 * const agent = createAgent({ model: 'openai:gpt-5', middleware: [memoryMiddleware(handle)] });
 * ```
 */
export function memoryMiddleware(handle: MemoryHandle, options: MemoryMiddlewareOptions = {}) {
  const memory = new TurnMemory<Turn>(handle, options, turnMemories);
  const blocks = new WeakMap<BaseMessage, string>();
  return createMiddleware({
    name: 'MemoryMiddleware',
    wrapModelCall: async (request, handler) => {
      const { messages, runtime } = request;
      const index = messages.findLastIndex((message) => HumanMessage.isInstance(message));
      const question = messages[index];
      if (question === undefined) return handler(request);
      // Recalls only once a turn. A turn starts when the user's message is the last one. Model calls after tool results reuse the block.
      if (index === messages.length - 1 || !blocks.has(question)) {
        blocks.set(question, await memory.recallBlock(question.text, runtime.signal));
      }
      const block = blocks.get(question);
      return handler(block ? { ...request, messages: messages.with(index, withBlock(question, block)) } : request);
    },
    afterAgent: async ({ messages: all }, { configurable, signal }) => {
      const messages = lastTurn(all);
      if (messages.length === 0) return;
      const session = defined({ sessionId: handle.scope.sessionId ?? configurable?.thread_id });
      await memory.storeTurn({ messages, ...session }, signal, session);
    },
  });
}

/** Puts a block at the start of a message. In a user message, memories have no more authority than the user's own words. */
function withBlock(message: BaseMessage, block: string): HumanMessage {
  const { content: original } = message;
  const content =
    typeof original === 'string' ? `${block}\n\n${original}` : [{ type: 'text', text: block }, ...original];
  return new HumanMessage({ ...message, content } as ConstructorParameters<typeof HumanMessage>[0] & object);
}
