import type { Metadata, NewMemory } from '../../index';

/** The metadata key for a message. A memory without this key is not a message. */
export const messageKey = 'langchainMessage';
/** The metadata key for the order of messages that were written in the same millisecond. */
export const orderKey = 'langchainOrder';

/** A message in LangChain's storage format: its type, and its fields under `data`. */
export interface StoredMessageFields {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Makes the memory for a message. Its text is the content of the message, so searches find it. Everything else is metadata.
 *
 * @param order The message's place among messages in the same millisecond: the number of the call, and the index in that call.
 */
export function messageMemory(
  { type, data: fields }: StoredMessageFields,
  order: readonly [call: number, index: number],
) {
  const { content, ...rest } = fields;
  const isText = typeof content === 'string' && content.trim() !== '';
  // The text is stored only once, as the text of the memory. There it may be longer than in metadata.
  const data = isText ? rest : fields;
  return {
    text: isText ? content : searchableText(fields),
    source: { channel: channels[type] ?? 'agent' },
    metadata: { [messageKey]: { type, data }, [orderKey]: order } as unknown as Metadata,
  } satisfies NewMemory;
}

const channels: Readonly<Record<string, 'user' | 'tool'>> = { human: 'user', tool: 'tool', function: 'tool' };

/** Makes the text for a message whose content is not plain text, from its text parts, its tool calls and the types of other parts. */
function searchableText({ content, tool_calls }: StoredMessageFields['data']): string {
  const calls = Array.isArray(tool_calls) ? (tool_calls as { name: string; args: unknown }[]) : [];
  const parts = Array.isArray(content) ? (content as { type?: string; text?: string }[]) : [];
  const text = parts
    .filter(({ type }) => type === 'text')
    .map((part) => part.text ?? '')
    .join('');
  const callLines = calls.map(({ name, args }) => `${name}(${JSON.stringify(args)})`);
  const otherTypes = parts.filter(({ type }) => type !== 'text').map(({ type }) => `[${type}]`);
  const lines = [typeof content === 'string' ? content : text, ...callLines, ...otherTypes].filter(
    (line) => line.trim() !== '',
  );
  return lines.length === 0 ? '[empty]' : lines.join('\n');
}
