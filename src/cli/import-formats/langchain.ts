import { listDocument } from './documents';
import { type Fields, type Format, isFields, present, type Target, textOf } from './format';

/**
 * Messages of LangChain's old memory classes: `messagesToDict` of Python, `mapChatMessagesToStoredMessages` of JavaScript, or what
 * `JSON.stringify` makes of a message. Each message becomes a memory; a `session_id` beside it stays its session.
 */
export function langchain({ namespace }: Target): Format {
  return {
    document: (pieces) => listDocument(pieces, ['messages', 'chat_history', 'history']),
    memory: (value) => {
      const message = isFields(value) ? messageIn(value) : undefined;
      if (!isFields(value) || message === undefined) {
        return { problem: 'is no message of LangChain: { "type", "data": { "content" } } is expected.' };
      }
      const text = contentOf(message.content);
      if (text === undefined) return { problem: 'holds something that is no text, such as an image or a tool call.' };
      return {
        text: `${message.speaker}: ${text}`,
        namespace: namespace ?? ['langchain'],
        source: { channel: 'import', ref: 'langchain' },
        metadata: { type: message.speaker },
        ...present({
          sessionId: textOf(value, 'session_id') ?? textOf(value, 'sessionId'),
          validFrom: textOf(value, 'created_at'),
        }),
      };
    },
  };
}

function messageIn(value: Fields): { speaker: string; content: unknown } | undefined {
  const stored = isFields(value.message) ? value.message : value;
  const { type, data, id, kwargs } = stored;
  if (typeof type === 'string' && isFields(data)) return { speaker: type, content: data.content };
  // As `JSON.stringify` writes a message: its class stands last in the list of its names.
  const name = Array.isArray(id) ? String(id.at(-1)) : undefined;
  if (name?.endsWith('Message') === true && isFields(kwargs)) {
    return { speaker: name.replace(/(Message|MessageChunk)$/, '').toLowerCase(), content: kwargs.content };
  }
  return undefined;
}

function contentOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content === '' ? undefined : content;
  if (!Array.isArray(content) || content.length === 0) return undefined;
  const texts = content.map((part) => (isFields(part) && part.type === 'text' ? textOf(part, 'text') : undefined));
  return texts.every((text) => text !== undefined) ? texts.join('\n') : undefined;
}
