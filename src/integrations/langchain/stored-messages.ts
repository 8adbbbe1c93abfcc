import { isDeepStrictEqual } from 'node:util';
import { type BaseMessage, mapStoredMessagesToChatMessages, type StoredMessage } from '@langchain/core/messages';
import type { Memory, NewMemory } from '../../index';
import { messageKey, orderKey, writtenMessage } from './written-messages';

/**
 * A message as a memory: its text is what can be searched, and its metadata is the rest of it.
 *
 * @param order Where it stands among those of one millisecond.
 * @throws Error where LangChain could not make the same message of what is kept
 */
export function memoryOf(message: BaseMessage, order: readonly [call: number, index: number]): NewMemory {
  const stored = { type: message.getType(), data: fieldsOf(message) };
  const [restored] = mapStoredMessagesToChatMessages([structuredClone(stored) as unknown as StoredMessage]);
  if (restored === undefined || !isDeepStrictEqual(fieldsOf(restored), stored.data)) {
    throw new Error('LangChain reads it back as another message.');
  }
  return writtenMessage(stored, order);
}

/** The messages that memories hold, in the order in which they were added. */
export function messagesOf(memories: readonly Memory[]): BaseMessage[] {
  const placed = memories.map((memory) => ({ memory, order: memory.metadata[orderKey] as readonly [number, number] }));
  placed.sort(
    (a, b) =>
      a.memory.createdAt.getTime() - b.memory.createdAt.getTime() || a.order[0] - b.order[0] || a.order[1] - b.order[1],
  );
  return mapStoredMessagesToChatMessages(
    placed.map(({ memory: { metadata, text } }) => {
      const { type, data } = metadata[messageKey] as unknown as StoredMessage;
      return { type, data: 'content' in data ? data : { ...(data as StoredMessage['data']), content: text } };
    }),
  );
}

// The type stands beside the fields, and chunks are parts of `tool_calls`.
const notKept: ReadonlySet<string> = new Set(['type', 'tool_call_chunks']);

/**
 * What a message is made of. Not `toDict`, which turns dates and bytes into empty objects. Of a chunk of a stream, the message that
 * it is by now.
 */
function fieldsOf(message: BaseMessage): Record<string, unknown> {
  const own = Object.entries(message).filter(([name]) => !name.startsWith('lc_') && !notKept.has(name));
  return withoutUndefined(Object.fromEntries(own)) as Record<string, unknown>;
}

/** Fields that are undefined are fields that are absent. Everything else stays as it is, to be refused where it is no JSON. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const present = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(present.map(([key, each]) => [key, withoutUndefined(each)]));
}
