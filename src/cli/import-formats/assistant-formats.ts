import type { LineContent } from '../json-lines';
import { chatFormat, contentText, roleMessage } from './chat-format';
import {
  epochTime,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  isoTime,
  type JsonObject,
  textField,
} from './import-format';

/** `conversations.json` of an export of ChatGPT. Of a conversation with several branches, it takes the one that was open last. */
export function chatgptFormat(target: ImportTarget): ImportFormat {
  return chatFormat({ name: 'chatgpt', listNames: ['conversations'], split: chatgptMessages }, target);
}

/** `conversations.json` of an export of Claude. */
export function claudeFormat(target: ImportTarget): ImportFormat {
  return chatFormat({ name: 'claude', listNames: ['conversations'], split: claudeMessages }, target);
}

/** Messages with `role` and `content`, as OpenAI's chat API takes them: a list, or objects with a list `messages`, one a line. */
export function openaiFormat(target: ImportTarget): ImportFormat {
  return chatFormat({ name: 'openai', listNames: ['messages'], split: openaiMessages }, target);
}

/** Conversations of ShareGPT: objects with a list `conversations` of messages with `from` and `value`. */
export function sharegptFormat(target: ImportTarget): ImportFormat {
  return chatFormat({ name: 'sharegpt', split: sharegptMessages }, target);
}

function* chatgptMessages(conversation: unknown): Generator<LineContent> {
  if (!isJsonObject(conversation) || !isJsonObject(conversation.mapping))
    return yield { problem: 'not a conversation of ChatGPT: expected an object with a field "mapping".' };
  const sessionId = textField(conversation, 'conversation_id') ?? textField(conversation, 'id');
  const title = textField(conversation, 'title');
  for (const message of openBranch(conversation.mapping, conversation.current_node)) {
    const { content, author, metadata, create_time: time } = message;
    const role = isJsonObject(author) ? String(author.role) : 'unknown';
    if (isJsonObject(metadata) && metadata.is_visually_hidden_from_conversation === true)
      yield { skipped: 'hidden messages' };
    else
      yield roleMessage(
        role,
        { text: chatgptText(content), id: textField(message, 'id'), sessionId, sentAt: epochTime(time) },
        title,
      );
  }
}

/** The messages from the root to the node that was open last, in order; all messages if the file does not say which node it is. */
function openBranch(mapping: JsonObject, currentNode: unknown): JsonObject[] {
  const messages: JsonObject[] = [];
  const seen = new Set<unknown>();
  let id = currentNode;
  while (typeof id === 'string' && !seen.has(id)) {
    seen.add(id);
    const node = Object.hasOwn(mapping, id) ? mapping[id] : undefined;
    if (!isJsonObject(node)) break;
    if (isJsonObject(node.message)) messages.unshift(node.message);
    id = node.parent;
  }
  if (seen.size > 0) return messages;
  const all = Object.values(mapping).flatMap((node) =>
    isJsonObject(node) && isJsonObject(node.message) ? [node.message] : [],
  );
  return all.sort((a, b) => Number(a.create_time ?? 0) - Number(b.create_time ?? 0));
}

const chatgptContents: readonly unknown[] = ['text', 'multimodal_text', 'code'];

function chatgptText(content: unknown): string {
  if (!isJsonObject(content) || !chatgptContents.includes(content.content_type)) return '';
  return contentText(content.parts ?? content.text);
}

function* claudeMessages(conversation: unknown): Generator<LineContent> {
  if (!isJsonObject(conversation) || !Array.isArray(conversation.chat_messages))
    return yield { problem: 'not a conversation of Claude: expected an object with a list "chat_messages".' };
  const [sessionId, title] = [textField(conversation, 'uuid'), textField(conversation, 'name')];
  for (const message of conversation.chat_messages as unknown[]) {
    if (!isJsonObject(message)) {
      yield { problem: 'not a message of Claude: expected an object.' };
      continue;
    }
    // Older exports have the text only, newer ones have parts too. Then `text` also holds notes about what cannot be shown.
    const text = contentText(message.content) || contentText(message.text);
    const role = message.sender === 'human' ? 'user' : String(message.sender);
    yield roleMessage(
      role,
      { text, id: textField(message, 'uuid'), sessionId, sentAt: isoTime(message.created_at) },
      title,
    );
  }
}

function* openaiMessages(value: unknown): Generator<LineContent> {
  const messages = Array.isArray(value) ? value : isJsonObject(value) ? value.messages : undefined;
  if (Array.isArray(messages)) for (const each of messages) yield* openaiMessages(each);
  else if (isJsonObject(value) && typeof value.role === 'string')
    yield roleMessage(value.role, { text: contentText(value.content), id: textField(value, 'id') });
  else yield { problem: 'not a message: expected an object with "role" and "content", or with a list "messages".' };
}

const sharegptRoles: Readonly<Record<string, string>> = {
  ...{ human: 'user', user: 'user' },
  ...{ gpt: 'assistant', assistant: 'assistant', chatgpt: 'assistant', bing: 'assistant', bard: 'assistant' },
};

function* sharegptMessages(value: unknown): Generator<LineContent> {
  if (!isJsonObject(value) || !Array.isArray(value.conversations))
    return yield { problem: 'not a conversation of ShareGPT: expected an object with a list "conversations".' };
  const sessionId = textField(value, 'id');
  for (const message of value.conversations as unknown[]) {
    if (!isJsonObject(message) || typeof message.from !== 'string')
      yield { problem: 'not a message of ShareGPT: expected an object with "from" and "value".' };
    else
      yield roleMessage(sharegptRoles[message.from] ?? message.from, { text: contentText(message.value), sessionId });
  }
}
