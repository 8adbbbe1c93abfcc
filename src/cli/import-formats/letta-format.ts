import { defined } from '../../domain/defined';
import type { NewMemory } from '../../index';
import type { LineContent } from '../json-lines';
import { type ChatMessage, chatFormat, contentText, roleMessage, splitLines } from './chat-format';
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

/** A block of an agent's core memory, or a passage of its archive. */
interface Note {
  readonly note: Pick<NewMemory, 'text' | 'metadata'>;
}

/** An agent file of Letta (`.af`): the blocks of core memory, the passages of the archive if it has them, and the messages. */
export function lettaFormat(target: ImportTarget): ImportFormat {
  const { namespace = ['letta'] } = target;
  const { parse: parseMessage } = chatFormat({ name: 'letta', split: () => [] }, target);
  return {
    readDocument: (pieces) => splitLines(readListDocument(pieces, []), agentFileParts),
    parse: (value) => {
      if (!isNote(value)) return parseMessage(value);
      return {
        ...value.note,
        namespace,
        kind: 'semantic',
        source: { channel: 'import', ref: 'letta' },
        idempotencyKey: contentKey('letta', namespace, value.note),
      };
    },
  };
}

function isNote(value: unknown): value is Note {
  return isJsonObject(value) && 'note' in value;
}

/** Files of one agent have its fields at the top. Newer files have lists of agents and of their blocks. */
function* agentFileParts(file: unknown): Generator<LineContent> {
  const agents = objects(file, 'agents');
  if (!isJsonObject(file) || (agents.length === 0 && !Array.isArray(file.core_memory) && !Array.isArray(file.messages)))
    return yield { problem: 'not an agent file of Letta: expected a list "agents", "core_memory" or "messages".' };
  for (const block of [...objects(file, 'core_memory'), ...objects(file, 'blocks')]) yield noteOf(block, 'value', file);
  for (const owner of [file, ...agents]) {
    if (owner !== file) for (const block of objects(owner, 'core_memory')) yield noteOf(block, 'value', owner);
    for (const passage of objects(owner, 'passages')) yield noteOf(passage, 'text', owner);
    for (const message of objects(owner, 'messages')) yield lettaMessage(message, owner);
  }
}

function objects(value: unknown, name: string): JsonObject[] {
  const list = isJsonObject(value) ? value[name] : undefined;
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

function noteOf(block: JsonObject, field: 'value' | 'text', owner: JsonObject): LineContent {
  const text = contentText(block[field]);
  if (text === '') return { skipped: 'empty blocks' };
  const [label, description, agent] = [
    textField(block, 'label'),
    textField(block, 'description'),
    textField(owner, 'name'),
  ];
  return { value: { note: { text, metadata: defined({ label, description, agent }) } } satisfies Note };
}

function lettaMessage(message: JsonObject, owner: JsonObject): LineContent {
  const sessionId = textField(owner, 'id') ?? textField(owner, 'name');
  const said = { id: textField(message, 'id'), sessionId, sentAt: isoTime(message.created_at) } as const;
  const role = String(message.role);
  const content = contentText(message.content) || contentText(message.text);
  if (role === 'user') return userMessage(content, said);
  return roleMessage(role, { ...said, text: role === 'assistant' ? assistantText(message, content) : content });
}

/** Letta wraps what a user says, and events such as heartbeats, in JSON. */
function userMessage(content: string, said: Omit<ChatMessage, 'text' | 'metadata'>): LineContent {
  const wrapped = content.startsWith('{') ? parseJson(content) : undefined;
  if (!isJsonObject(wrapped) || typeof wrapped.type !== 'string')
    return roleMessage('user', { ...said, text: content });
  if (wrapped.type !== 'user_message') return { skipped: `${wrapped.type} events` };
  return roleMessage('user', { ...said, text: contentText(wrapped.message) });
}

/** What an assistant said: the argument of its tool `send_message`, or its content if it called no tool. */
function assistantText(message: JsonObject, content: string): string {
  const calls = objects(message, 'tool_calls').map((call) => (isJsonObject(call.function) ? call.function : {}));
  if (calls.length === 0) return content;
  const sent = calls.filter(({ name }) => name === 'send_message').map((call) => parseJson(String(call.arguments)));
  return sent
    .map((each) => (isJsonObject(each) ? contentText(each.message) : ''))
    .join('\n')
    .trim();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
