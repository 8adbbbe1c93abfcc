import { defined } from '../../domain/defined';
import type { Json, Metadata, NewMemory } from '../../index';
import type { JsonLine, LineContent } from '../json-lines';
import {
  contentKey,
  type ImportFormat,
  type ImportTarget,
  isJsonObject,
  occurrenceCounter,
  unexpectedValue,
} from './import-format';
import { readListDocument } from './json-document';

/** A message of a conversation. */
export interface ChatMessage {
  readonly text: string;
  /** The id of the message in its own program. */
  readonly id?: string | undefined;
  readonly sessionId?: string | undefined;
  /** When it was sent, as ISO 8601. */
  readonly sentAt?: string | undefined;
  /** Who wrote it, and in which conversation: `role`, `speaker`, `title`. */
  readonly metadata: Readonly<Record<string, Json | undefined>>;
}

/** A format whose files hold conversations. */
export interface ChatFormatOptions {
  readonly name: string;
  /** The names under which a document may hold its list of conversations. */
  readonly listNames?: readonly string[];
  /** Splits a conversation, or a line, into its messages. */
  split(value: unknown, file: string | undefined): Iterable<LineContent>;
}

/** A format that makes one memory of each message. */
export function chatFormat({ name, listNames = [], split }: ChatFormatOptions, target: ImportTarget): ImportFormat {
  const { namespace = [name], sessionId: session } = target;
  const occurrenceOf = occurrenceCounter();
  return {
    readDocument: (pieces, file) => splitLines(readListDocument(pieces, listNames), (value) => split(value, file)),
    parse: (value) => {
      const { text, id, sessionId = session, sentAt, metadata } = value as ChatMessage;
      const content = [sessionId, metadata, text, sentAt];
      return {
        text,
        namespace,
        source: { channel: 'import', ref: name },
        metadata: defined({ ...metadata, messageId: id }) as Metadata,
        idempotencyKey: contentKey(
          name,
          namespace,
          ...(id === undefined ? [content, occurrenceOf(content)] : [sessionId, id]),
        ),
        ...defined({ sessionId, validFrom: sentAt }),
      } satisfies NewMemory;
    },
  };
}

/** Splits each value of a document further. The parts keep the number of their value. */
export async function* splitLines(
  lines: AsyncIterable<JsonLine>,
  split: (value: unknown) => Iterable<LineContent>,
): AsyncGenerator<JsonLine> {
  for await (const line of lines) {
    if (!('value' in line)) yield line;
    else for (const part of partsOf(line.value, split)) yield { number: line.number, ...part };
  }
}

/** The parts of a value. If the value is so odd that `split` fails, the last part says so, and the next value is not lost. */
function* partsOf(value: unknown, split: (value: unknown) => Iterable<LineContent>): Generator<LineContent> {
  try {
    yield* split(value);
  } catch (error) {
    yield unexpectedValue(error);
  }
}

/**
 * The text of a message whose content is a text or a list of parts, with a placeholder such as `[image]` for each part that is none.
 * Reasoning and calls of tools are left out.
 */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content.trim();
  if (!Array.isArray(content)) return '';
  return content.map(partText).filter(Boolean).join('\n').trim();
}

const internalParts: readonly unknown[] = [
  'thinking',
  'reasoning',
  'redacted_thinking',
  'tool_use',
  'tool_result',
  'token_budget',
];

function partText(part: unknown): string {
  if (typeof part === 'string') return part;
  if (!isJsonObject(part)) return '';
  if (typeof part.text === 'string') return part.text;
  const type = part.type ?? part.content_type;
  return typeof type === 'string' && !internalParts.includes(type)
    ? `[${type.replace(/_(url|asset_pointer)$/, '')}]`
    : '';
}

/** A message of a role, or why there is no memory in it: only users and assistants say something. */
export function roleMessage(role: string, message: Omit<ChatMessage, 'metadata'>, title?: string): LineContent {
  if (role !== 'user' && role !== 'assistant') return { skipped: `${role} messages` };
  if (message.text === '') return { skipped: 'messages without text' };
  return { value: { ...message, metadata: { role, title } } satisfies ChatMessage };
}
