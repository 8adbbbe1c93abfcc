import { isDeepStrictEqual } from 'node:util';
import { type BaseMessage, mapStoredMessagesToChatMessages, type StoredMessage } from '@langchain/core/messages';
import type { Memory, NewMemory } from '../../index';
import { messageKey, messageMemory, orderKey } from './message-memory';

/**
 * Converts a message to a memory (see `messageMemory`).
 *
 * @throws Error if LangChain would restore a different message
 */
export function memoryFromMessage(message: BaseMessage, order: readonly [call: number, index: number]): NewMemory {
  const stored = { type: message.getType(), data: fieldsOf(message) };
  const [restored] = mapStoredMessagesToChatMessages([structuredClone(stored) as unknown as StoredMessage]);
  if (restored === undefined || !isDeepStrictEqual(fieldsOf(restored), stored.data)) {
    throw new Error('LangChain cannot restore it from JSON unchanged.');
  }
  return messageMemory(stored, order);
}

/** Converts memories to messages, in the order in which they were added. */
export function messagesFromMemories(memories: readonly Memory[]): BaseMessage[] {
  const ordered = memories.map((memory) => ({ memory, order: memory.metadata[orderKey] as readonly [number, number] }));
  ordered.sort(
    (a, b) =>
      a.memory.createdAt.getTime() - b.memory.createdAt.getTime() || a.order[0] - b.order[0] || a.order[1] - b.order[1],
  );
  return mapStoredMessagesToChatMessages(
    ordered.map(({ memory: { metadata, text } }) => {
      const { type, data } = metadata[messageKey] as unknown as StoredMessage;
      return { type, data: 'content' in data ? data : { ...(data as StoredMessage['data']), content: text } };
    }),
  );
}

// `type` is stored separately from the fields. `tool_calls` already contains the calls that result from the chunks.
const omittedFields: ReadonlySet<string> = new Set(['type', 'tool_call_chunks']);

/**
 * Returns the fields of a message. LangChain's `toDict` is not used, because it converts dates and bytes to empty objects. For a chunk
 * from a stream, these are the fields of the message that was received so far.
 */
function fieldsOf(message: BaseMessage): Record<string, unknown> {
  const own = Object.entries(message).filter(([name]) => !name.startsWith('lc_') && !omittedFields.has(name));
  return withoutUndefined(Object.fromEntries(own)) as Record<string, unknown>;
}

/** Removes undefined fields at every depth. Keeps values that JSON cannot represent, so that the store rejects them. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const present = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(present.map(([key, each]) => [key, withoutUndefined(each)]));
}
