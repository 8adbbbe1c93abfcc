import type { Metadata, NewMemory } from '../../index';

/** The metadata key under which a message is kept. Only memories that have it are messages. */
export const messageKey = 'langchainMessage';
/** The metadata key of where a message stands among those of one millisecond. */
export const orderKey = 'langchainOrder';

/** A message as LangChain stores it: the type beside its fields. */
export interface WrittenMessage {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A stored message as a memory: its text is what can be searched, and its metadata is the rest of it. */
export function writtenMessage({ type, data: all }: WrittenMessage, order: readonly [number, number]) {
  const { content, ...rest } = all;
  const isText = typeof content === 'string' && content.trim() !== '' && content.isWellFormed();
  // A text is kept once, and may be longer than metadata.
  const data = isText ? rest : all;
  return {
    text: isText ? content : textOf(all),
    source: { channel: channels[type] ?? 'agent' },
    metadata: { [messageKey]: { type, data }, [orderKey]: order } as unknown as Metadata,
  } satisfies NewMemory;
}

const channels: Readonly<Record<string, 'user' | 'tool'>> = { human: 'user', tool: 'tool', function: 'tool' };

/** What a search finds of a message that has no text: what it calls, and of which kinds its parts are. */
function textOf({ content, tool_calls }: WrittenMessage['data']): string {
  const calls = Array.isArray(tool_calls) ? (tool_calls as { name: string; args: unknown }[]) : [];
  const parts = Array.isArray(content) ? (content as { type?: string; text?: string }[]) : [];
  const text = parts
    .filter(({ type }) => type === 'text')
    .map((part) => part.text ?? '')
    .join('');
  const called = calls.map(({ name, args }) => `${name}(${JSON.stringify(args)})`);
  const others = parts.filter(({ type }) => type !== 'text').map(({ type }) => `[${type}]`);
  const lines = [typeof content === 'string' ? content : text, ...called, ...others].filter(
    (each) => each.trim() !== '',
  );
  return lines.length === 0 ? '[empty]' : lines.join('\n');
}
