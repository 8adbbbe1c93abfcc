import { createHash } from 'node:crypto';
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import { defined } from '../../domain/defined';
import type { NewMemory } from '../../index';
import { turnText } from '../shared/turn-memory';

/** One turn of an agent: the user's message and everything up to the final answer. */
export interface Turn {
  /** The user's last message and all messages after it. */
  messages: readonly BaseMessage[];
  /** The session in the handle's scope. If the scope has none, the agent's `thread_id`. */
  sessionId?: string;
}

/** Returns the messages in the last turn of a conversation. Empty if there is no user message. */
export function lastTurn(messages: readonly BaseMessage[]): readonly BaseMessage[] {
  const start = messages.findLastIndex((message) => HumanMessage.isInstance(message));
  return start < 0 ? [] : messages.slice(start);
}

/**
 * Makes the default memory for a turn, with the user's message and the final answer. Makes none if both are empty. If LangChain runs a
 * turn again, the idempotency key prevents a second memory.
 */
export function turnMemories({ messages, sessionId }: Turn): NewMemory[] {
  const [question] = messages;
  const answer = messages.findLast((message) => AIMessage.isInstance(message) && contentText(message) !== '');
  const text = turnText(question ? contentText(question) : '', answer ? contentText(answer) : '');
  if (text === '') return [];
  const id = question?.id;
  const idempotencyKey = id === undefined ? undefined : hash([sessionId, id, text]);
  return [{ text, source: { channel: 'user' }, ...defined({ idempotencyKey }) }];
}

/** Converts a message to text. A part that is not text becomes a placeholder such as `[image_url]`. */
function contentText({ content }: BaseMessage): string {
  if (typeof content === 'string') return content.trim();
  const parts = content.map((part) =>
    part.type === 'text' ? String(part.text) : internalParts.has(part.type) ? '' : `[${part.type}]`,
  );
  return parts.join(' ').trim();
}

// These parts are left out: the model's own reasoning, and tool calls, which messages also contain outside their content.
const internalParts: ReadonlySet<string> = new Set([
  'reasoning',
  'thinking',
  'tool_use',
  'tool_call',
  'tool_call_chunk',
]);

function hash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
