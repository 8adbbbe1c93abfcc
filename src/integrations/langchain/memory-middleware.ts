import { type BaseMessage, HumanMessage } from '@langchain/core/messages';
import { createMiddleware } from 'langchain';
import { type ContextOptions, type MemoryHandle, type NewMemory, type RecallOptions, toContext } from '../../index';
import { checkHandle, checkOptions } from './langchain-checks';
import { lastTurn, memoriesOf, type Turn } from './turns';

/** What `memoryMiddleware` takes beside its handle. */
export interface MemoryMiddlewareOptions {
  /** Among what is searched, and how. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The budget of what is put before the model. Default: 1,000 tokens. */
  maxTokens?: number;
  /** See `toContext`. */
  countTokens?: ContextOptions['countTokens'];
  /** What is stored after a turn; false for nothing. Default: what the user said and what the agent answered, as one memory. */
  remember?: false | ((turn: Turn) => readonly NewMemory[] | Promise<readonly NewMemory[]>);
  /**
   * Hears of a search or a write that failed, and the agent goes on without it. Default: the error ends the run, since an agent
   * that forgets without a word is worse than one that fails.
   */
  onError?: (error: unknown, during: 'recall' | 'remember') => void;
}

const known = ['recall', 'maxTokens', 'countTokens', 'remember', 'onError'];
const defaultMaxTokens = 1_000;

/**
 * Gives an agent of `createAgent` a memory: before each turn it recalls what the user's message asks for and puts it before that
 * message, fenced as data; after the turn it stores what was said. Neither shows in the agent's own messages.
 *
 * Who reads and writes is fixed by the handle. Memories belong to the session of the handle's scope, else to the agent's
 * `thread_id`.
 *
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
  checkHandle(handle);
  checkOptions(options, known);
  const { recall, maxTokens = defaultMaxTokens, countTokens, remember = memoriesOf, onError } = options;
  const blocks = new WeakMap<BaseMessage, string>();

  const attempt = async <T>(during: 'recall' | 'remember', call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call();
    } catch (error) {
      if (onError === undefined) throw error;
      onError(error, during);
      return undefined;
    }
  };

  const recalled = async (asked: BaseMessage, signal: AbortSignal | undefined): Promise<string> => {
    // `text` leaves images out: with nothing but those there is nothing to ask for.
    if (asked.text.trim() === '') return '';
    const hits = await handle.recall(asked.text, { ...recall, ...(signal === undefined ? {} : { signal }) });
    return toContext(hits, { maxTokens, ...(countTokens === undefined ? {} : { countTokens }) }).text;
  };

  return createMiddleware({
    name: 'MemoryMiddleware',
    wrapModelCall: async (request, handler) => {
      const { messages, runtime } = request;
      const at = messages.findLastIndex((message) => HumanMessage.isInstance(message));
      const asked = messages[at];
      if (asked === undefined) return handler(request);
      // Once a turn: it begins where the user's message is the last, and what tools answer asks for nothing new.
      if (at === messages.length - 1 || !blocks.has(asked)) {
        blocks.set(asked, (await attempt('recall', () => recalled(asked, runtime.signal))) ?? '');
      }
      const block = blocks.get(asked);
      return handler(block ? { ...request, messages: messages.with(at, withBlock(asked, block)) } : request);
    },
    afterAgent: async ({ messages }, { configurable, signal }) => {
      const turn = lastTurn(messages);
      if (remember === false || turn.length === 0) return;
      const sessionId = handle.scope.sessionId ?? configurable?.thread_id;
      const session = sessionId === undefined ? {} : { sessionId };
      await attempt('remember', async () => {
        const memories = await remember({ messages: turn, ...session });
        if (memories.length === 0) return;
        await handle.rememberMany(
          memories.map((memory) => ({ ...session, ...memory })),
          { atomic: true, ...(signal === undefined ? {} : { signal }) },
        );
      });
    },
  });
}

/** A message that begins with the block. In the user's own message it has no more weight than what the user says. */
function withBlock(message: BaseMessage, block: string): HumanMessage {
  const { content } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  const longer = typeof content === 'string' ? `${block}\n\n${content}` : [{ type: 'text', text: block }, ...parts];
  return new HumanMessage({ ...message, content: longer } as ConstructorParameters<typeof HumanMessage>[0] & object);
}
