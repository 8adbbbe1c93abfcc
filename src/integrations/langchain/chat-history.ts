import { BaseListChatMessageHistory } from '@langchain/core/chat_history';
import { LangChainError } from '@langchain/core/errors';
import { type BaseMessage, isBaseMessage } from '@langchain/core/messages';
import { messageOf } from '../../domain/realms';
import { type Filter, type Issue, type Memory, MemoryError, type MemoryHandle, type NewMemory } from '../../index';
import { checkHandle, checkOptions, invalidInput } from '../shared/input-checks';
import { memoryFromMessage, messagesFromMemories } from './message-conversion';
import { messageKey } from './message-memory';

/** The error for a message that cannot be stored unchanged. No message from the same call was stored. `cause` has the reason. */
export class MessageRefusedError extends LangChainError {
  override readonly name = 'MessageRefusedError';

  constructor(message: string, cause: unknown) {
    super(message);
    this.cause = cause;
  }
}

const isMessage: Filter = { metadata: { [messageKey]: { exists: true } } };
const pageSize = 1_000;

// Gives the order of calls in the same millisecond. It restarts at 0 when the process restarts, which takes longer than a millisecond.
let callCount = 0;

/**
 * Stores the messages of one session. Use it for `RunnableWithMessageHistory` and wherever LangChain accepts a chat history. Each message
 * is stored as a memory, so `recall` also finds it. The messages in one call are stored all or none, and stay next to each other.
 *
 * Messages of all types are restored exactly, with tool calls and images. A message for which this is impossible is rejected with a
 * `MessageRefusedError`. Everything except the text, including images in base64, is stored as metadata. By default the limit for metadata
 * is 64 kB a message; see `limits` in `MemoryStore.open`.
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

  /**
   * @param options `sessionId` is required if the handle's scope has no session. If the scope has one, `sessionId` must be the same.
   * @throws INVALID_INPUT if no session is given, for a different session, for unknown options and for a value that is not a handle
   */
  constructor(handle: MemoryHandle, options: { sessionId?: string } = {}) {
    super();
    checkHandle(handle);
    checkOptions(options, ['sessionId']);
    const { sessionId = handle.scope.sessionId } = options;
    if (sessionId === undefined) {
      const message = 'required, because the scope of the handle has no session.';
      throw invalidInput('options', [{ path: ['sessionId'], message }]);
    }
    this.#handle = handle.within({ sessionId });
    this.#session = this.#handle.scope.sessionId ?? sessionId;
  }

  /** Reads all messages in the session that the principal may read, in the order in which they were added. */
  override async getMessages(): Promise<BaseMessage[]> {
    const memories: Memory[] = [];
    const listed = this.#handle.list({ filter: isMessage, order: 'oldest', limit: pageSize });
    for await (const memory of listed) memories.push(memory);
    return messagesFromMemories(memories);
  }

  /** Adds one message; see `addMessages`. */
  override async addMessage(message: BaseMessage): Promise<void> {
    await this.addMessages([message]);
  }

  /**
   * Adds messages, all or none.
   *
   * @throws MessageRefusedError if a message cannot be restored exactly or is too large; every other error that `rememberMany` throws
   */
  override async addMessages(messages: BaseMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const call = callCount++;
    const memories = messages.map((message, index) => checkedMemory(message, [call, index]));
    try {
      await afterPreviousWrite(this.#session, () => this.#handle.rememberMany(memories, { atomic: true }));
    } catch (error) {
      if (!MemoryError.is(error) || !error.issues.some(isMessageIssue)) throw error;
      throw new MessageRefusedError(`Cannot store a message of this call unchanged. ${error.message}`, error);
    }
  }

  /**
   * Forgets all messages in the session. Other memories in the session stay.
   *
   * @throws FORBIDDEN if the principal may not forget some of the messages; the others are forgotten
   */
  override async clear(): Promise<void> {
    const { matched, forgotten } = await this.#handle.forgetWhere({ filter: isMessage }, { dryRun: false });
    if (forgotten === matched) return;
    const kept = matched - forgotten;
    const message =
      `Not allowed to forget ${kept} of ${matched} messages: other principals wrote them, and no rule allows \`forget\`. ` +
      'The other messages are forgotten.';
    throw new MemoryError('FORBIDDEN', message);
  }
}

// The latest unfinished write of each session. It is shared, because LangChain makes a new history object for each call.
const latestWrites = new Map<string, Promise<unknown>>();

/** Runs the writes in one session one after the other. Otherwise a large write, which takes longer to check, could end after the next. */
async function afterPreviousWrite<T>(session: string, write: () => Promise<T>): Promise<T> {
  const written = (latestWrites.get(session) ?? Promise.resolve()).then(write, write);
  latestWrites.set(session, written);
  try {
    return await written;
  } finally {
    if (latestWrites.get(session) === written) latestWrites.delete(session);
  }
}

/** Checks whether an issue is about the message itself. Other issues are about its namespace or session. */
function isMessageIssue({ path: [, field] }: Issue): boolean {
  return field === 'text' || field === 'metadata';
}

function checkedMemory(message: BaseMessage, order: readonly [number, number]): NewMemory {
  try {
    if (!isBaseMessage(message)) throw new Error('It is not a LangChain message.');
    return memoryFromMessage(message, order);
  } catch (error) {
    const type = isBaseMessage(message) ? message.getType() : typeof message;
    const reason = messageOf(error);
    throw new MessageRefusedError(`Cannot store a message of type ${type} unchanged. ${reason}`, error);
  }
}
