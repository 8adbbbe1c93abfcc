import { defined } from '../../domain/defined';
import { messageMemory, type StoredMessageFields } from '../../integrations/langchain/message-memory';
import {
  contentKey,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  isoTime,
  type JsonObject,
  textField,
} from './import-format';
import { readListDocument } from './json-document';

/**
 * Reads messages from chat histories of LangChain: the output of `messages_to_dict` (Python), of `mapChatMessagesToStoredMessages`
 * (JavaScript) or of `JSON.stringify`, or the rows of a table of messages with their sessions. `MemoryHandleChatHistory` can read
 * the imported messages.
 */
export function langchainFormat({ namespace = ['langchain'], sessionId: defaultSession }: ImportTarget): ImportFormat {
  const counts = new Map<string, number>();
  return {
    readDocument: (pieces) => readListDocument(pieces, ['messages', 'chat_history', 'history']),
    parse: (value) => {
      const message = isJsonObject(value) ? storedMessage(value) : undefined;
      if (!isJsonObject(value) || message === undefined) {
        return { problem: 'not a LangChain message: expected { "type", "data": { "content" } }.' };
      }
      const problem = messageProblem(message);
      if (problem !== undefined) return { problem };
      const sessionId = sessionOf(value) ?? defaultSession;
      if (sessionId === undefined) return { problem: 'the message has no session. Set one with --session=ID.' };
      const count = counts.get(sessionId) ?? 0;
      counts.set(sessionId, count + 1);
      return {
        ...messageMemory(message, [count, 0]),
        namespace,
        sessionId,
        idempotencyKey: contentKey('langchain', namespace, sessionId, count, message),
        ...defined({ validFrom: isoTime(value.created_at) }),
      };
    },
  };
}

/** The message types of LangChain, by the names that files use. */
const types: Readonly<Record<string, string>> = {
  human: 'human',
  ai: 'ai',
  system: 'system',
  tool: 'tool',
  function: 'function',
  generic: 'generic',
  // Python uses this name for `generic`.
  chat: 'generic',
};

function sessionOf(value: JsonObject): string | undefined {
  return ['session_id', 'sessionId', 'SessionId'].map((name) => textField(value, name)).find(Boolean);
}

function storedMessage(value: JsonObject): StoredMessageFields | undefined {
  const column = value.message ?? value.History;
  const stored = column === undefined ? value : typeof column === 'string' ? parseJson(column) : column;
  if (!isJsonObject(stored)) return undefined;
  const { type, data, id, kwargs } = stored;
  if (typeof type === 'string' && isJsonObject(data)) return messageFields(type, data);
  // The output of `JSON.stringify`: `id` is a list of names, and the last one is the name of the class.
  const className = Array.isArray(id) ? String(id.at(-1)) : '';
  return /Message(Chunk)?$/.test(className) && isJsonObject(kwargs) ? messageFields(className, kwargs) : undefined;
}

function messageFields(name: string, fields: JsonObject): StoredMessageFields | undefined {
  const type = types[name.replace(/Message(Chunk)?$/, '').toLowerCase()];
  if (type === undefined) return undefined;
  // Python writes absent fields as null. `type` is stored separately from the fields. `tool_call_chunks` is left out, because
  // `tool_calls` contains the complete calls.
  const { type: _, tool_call_chunks: __, ...rest } = fields;
  return { type, data: Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)) };
}

/** Returns the reason why LangChain could not restore a message, or undefined if it can. */
function messageProblem({ type, data }: StoredMessageFields): string | undefined {
  const { content } = data;
  const isContent = typeof content === 'string' || (Array.isArray(content) && content.every(isJsonObject));
  if (!isContent) return 'invalid content: expected a string or a list of objects.';
  const required = { tool: 'tool_call_id', function: 'name', generic: 'role' }[type];
  return required === undefined || typeof data[required] === 'string'
    ? undefined
    : `a message of type ${type} requires "${required}".`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
