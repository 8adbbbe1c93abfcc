import { BaseListChatMessageHistory } from '@langchain/core/chat_history';
import { LangChainError } from '@langchain/core/errors';
import { type BaseMessage, isBaseMessage } from '@langchain/core/messages';
import { type Filter, type Issue, type Memory, MemoryError, type MemoryHandle, type NewMemory } from '../../index';
import { checkHandle, checkOptions, refused } from './langchain-checks';
import { memoryOf, messagesOf } from './stored-messages';
import { messageKey } from './written-messages';

/** A message that could not be kept as it is. Nothing of its call was stored; `cause` says why. */
export class MessageRefusedError extends LangChainError {
  override readonly name = 'MessageRefusedError';

  constructor(message: string, cause: unknown) {
    super(message);
    this.cause = cause;
  }
}

const isMessage: Filter = { metadata: { [messageKey]: { exists: true } } };
const mostAtOnce = 1_000;

// Tells calls of one millisecond apart. It need not go on after a restart, which takes longer.
let calls = 0;

/**
 * The messages of one session, for `RunnableWithMessageHistory` and everything else that takes a chat history: each is a memory
 * of the handle, found by `recall` too. The messages of one call are stored together or not at all, and stay together.
 *
 * Every kind of message is kept as it is, with its tool calls and images, or is refused with a `MessageRefusedError`. What comes
 * beside the text (images are, as base64) is metadata, of which a store takes 64 kB a message unless `limits` says otherwise.
 *
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { MemoryHandleChatHistory } from 'multi-agent-memory/langchain';
 * const store = await MemoryStore.inMemory();
 * const history = new MemoryHandleChatHistory(store.admin.within({ namespace: ['chat'] }), { sessionId: 's-1' });
 * await history.addUserMessage('My order has not arrived.');
 * ```
 */
export class MemoryHandleChatHistory extends BaseListChatMessageHistory {
  override lc_namespace = ['multi-agent-memory', 'chat_history'];
  readonly #handle: MemoryHandle;
  readonly #session: string;

  /** @param options The session, where the handle's scope has none. */
  constructor(handle: MemoryHandle, options: { sessionId?: string } = {}) {
    super();
    checkHandle(handle);
    checkOptions(options, ['sessionId']);
    const { sessionId = handle.scope.sessionId } = options;
    if (sessionId === undefined) {
      throw refused('The options', [{ path: ['sessionId'], message: 'is missing, and the handle has none either.' }]);
    }
    this.#session = sessionId;
    this.#handle = handle.within({ sessionId });
  }

  override async getMessages(): Promise<BaseMessage[]> {
    const memories: Memory[] = [];
    const listed = this.#handle.list({ filter: isMessage, order: 'oldest', limit: mostAtOnce });
    for await (const memory of listed) memories.push(memory);
    return messagesOf(memories);
  }

  override async addMessage(message: BaseMessage): Promise<void> {
    await this.addMessages([message]);
  }

  override async addMessages(messages: BaseMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const call = calls++;
    const memories = messages.map((message, index) => kept(message, [call, index]));
    try {
      await inTurn(this.#session, () => this.#handle.rememberMany(memories, { atomic: true }));
    } catch (error) {
      if (!MemoryError.is(error) || !error.issues.some(isOfMessage)) throw error;
      throw new MessageRefusedError(`A message cannot be kept as it is. ${error.message}`, error);
    }
  }

  /**
   * Forgets the messages, and no other memory of the session.
   *
   * @throws FORBIDDEN where some of them are not the principal's to forget: the others are gone
   */
  override async clear(): Promise<void> {
    const { matched, forgotten } = await this.#handle.forgetWhere({ filter: isMessage }, { dryRun: false });
    if (forgotten === matched) return;
    const message = `${matched - forgotten} of ${matched} messages were written by others, and no rule allows to forget them.`;
    throw new MemoryError('FORBIDDEN', message);
  }
}

// The last write of each session that has not ended. Histories come and go, one for each call.
const last = new Map<string, Promise<unknown>>();

/** Writes of one session one after the other: a large one takes longer to check, and must not fall behind one that came later. */
async function inTurn<T>(session: string, write: () => Promise<T>): Promise<T> {
  const written = (last.get(session) ?? Promise.resolve()).then(write, write);
  last.set(session, written);
  try {
    return await written;
  } finally {
    if (last.get(session) === written) last.delete(session);
  }
}

/** Whether something is wrong with a message, and not with where it should go. */
function isOfMessage({ path: [, field] }: Issue): boolean {
  return field === 'text' || field === 'metadata';
}

function kept(message: BaseMessage, order: readonly [number, number]): NewMemory {
  try {
    if (!isBaseMessage(message)) throw new Error('It is no message.');
    return memoryOf(message, order);
  } catch (error) {
    const type = isBaseMessage(message) ? message.getType() : typeof message;
    const why = error instanceof Error ? error.message : String(error);
    throw new MessageRefusedError(`A message of type ${type} cannot be kept as it is: ${why}`, error);
  }
}
