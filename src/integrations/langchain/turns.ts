import { createHash } from 'node:crypto';
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import type { NewMemory } from '../../index';

/** One turn of an agent: what it was told last, and everything that came of it. */
export interface Turn {
  /** From the last message of the user on. */
  messages: readonly BaseMessage[];
  /** The session that it belongs to: the handle's, else the thread of the agent. */
  sessionId?: string;
}

/** The turn that a conversation ends with. Empty where the user has said nothing. */
export function lastTurn(messages: readonly BaseMessage[]): readonly BaseMessage[] {
  const start = messages.findLastIndex((message) => HumanMessage.isInstance(message));
  return start < 0 ? [] : messages.slice(start);
}

/**
 * What the user said and what the agent answered at last, as one memory: a question without its answer, or an answer without its
 * question, is of no use to who recalls it. Stored once, however often the turn is carried out.
 */
export function memoriesOf({ messages, sessionId }: Turn): NewMemory[] {
  const [asked] = messages;
  const answered = messages.findLast((message) => AIMessage.isInstance(message) && written(message) !== '');
  const lines = [asked, answered].flatMap((message, i) => {
    const said = message === undefined ? '' : written(message);
    return said === '' ? [] : [`${i === 0 ? 'User' : 'Agent'}: ${said}`];
  });
  const [text, id] = [lines.join('\n'), asked?.id];
  if (text === '') return [];
  const memory: NewMemory = { text, source: { channel: 'user' } };
  return [id === undefined ? memory : { ...memory, idempotencyKey: digest([sessionId, id, text]) }];
}

/** The text of a message, with a word for each part that is none. */
export function written({ content }: BaseMessage): string {
  if (typeof content === 'string') return content.trim();
  const parts = content.map((part) =>
    part.type === 'text' ? String(part.text) : isHidden(part) ? '' : `[${part.type}]`,
  );
  return parts.join(' ').trim();
}

// What a model says to itself, and the calls of tools, which stand beside the content as well.
function isHidden({ type }: { type: string }): boolean {
  return ['reasoning', 'thinking', 'tool_use', 'tool_call', 'tool_call_chunk'].includes(type);
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
