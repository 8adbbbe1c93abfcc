import { messageMemory, type StoredMessageFields } from '../../integrations/langchain/message-memory';
import { listDocument } from './documents';
import { type Fields, type Format, fingerprint, isFields, momentOf, present, type Target, textOf } from './format';

/**
 * Messages of LangChain's chat histories: `messages_to_dict` of Python, `mapChatMessagesToStoredMessages` of JavaScript, what
 * `JSON.stringify` makes of a message, or rows of a table of messages, each with its session. `MemoryHandleChatHistory` goes on
 * with them.
 */
export function langchain({ namespace = ['langchain'], sessionId: session }: Target): Format {
  const counts = new Map<string, number>();
  return {
    document: (pieces) => listDocument(pieces, ['messages', 'chat_history', 'history']),
    memory: (value) => {
      const message = isFields(value) ? messageIn(value) : undefined;
      if (!isFields(value) || message === undefined) {
        return { problem: 'is no message of LangChain: { "type", "data": { "content" } } is expected.' };
      }
      const problem = problemOf(message);
      if (problem !== undefined) return { problem };
      const sessionId =
        ['session_id', 'sessionId', 'SessionId'].map((name) => textOf(value, name)).find(Boolean) ?? session;
      if (sessionId === undefined) return { problem: 'names no session: --session=ID gives it one.' };
      const count = counts.get(sessionId) ?? 0;
      counts.set(sessionId, count + 1);
      return {
        ...messageMemory(message, [count, 0]),
        namespace,
        sessionId,
        idempotencyKey: fingerprint('langchain', namespace, sessionId, count, message),
        ...present({ validFrom: momentOf(value.created_at) }),
      };
    },
  };
}

const types: Readonly<Record<string, string>> = {
  ...{ human: 'human', ai: 'ai', system: 'system', tool: 'tool', function: 'function', generic: 'generic' },
  // What Python calls it.
  chat: 'generic',
};

function messageIn(value: Fields): StoredMessageFields | undefined {
  const row = value.message ?? value.History;
  const stored = row === undefined ? value : typeof row === 'string' ? parsed(row) : row;
  if (!isFields(stored)) return undefined;
  const { type, data, id, kwargs } = stored;
  if (typeof type === 'string' && isFields(data)) return written(type, data);
  // As `JSON.stringify` writes a message: its class stands last in the list of its names.
  const name = Array.isArray(id) ? String(id.at(-1)) : '';
  return /Message(Chunk)?$/.test(name) && isFields(kwargs) ? written(name, kwargs) : undefined;
}

function written(name: string, fields: Fields): StoredMessageFields | undefined {
  const type = types[name.replace(/Message(Chunk)?$/, '').toLowerCase()];
  if (type === undefined) return undefined;
  // Empty fields of Python are absent ones; the type stands beside the fields, and chunks are parts of `tool_calls`.
  const { type: _, tool_call_chunks: __, ...rest } = fields;
  return { type, data: Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)) };
}

/** What LangChain could make no message of, again. */
function problemOf({ type, data }: StoredMessageFields): string | undefined {
  const { content } = data;
  const isContent = typeof content === 'string' || (Array.isArray(content) && content.every(isFields));
  if (!isContent) return 'has a content that is neither a text nor a list of parts.';
  const needed = { tool: 'tool_call_id', function: 'name', generic: 'role' }[type];
  return needed === undefined || typeof data[needed] === 'string' ? undefined : `has no "${needed}".`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
