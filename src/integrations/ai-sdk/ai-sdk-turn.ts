import type { NewMemory } from '../../index';
import { turnText } from '../shared/turn-memory';
import type { ContentPart, PromptMessage } from './language-model';

/** One turn of a conversation: the user's message and everything up to the final answer. */
export interface Turn {
  /** The user's last message and all messages after it, with tool calls and their results. */
  readonly messages: readonly PromptMessage[];
  /** The final answer of the model. */
  readonly answer: readonly ContentPart[];
}

// With these finish reasons there is no final answer: the model calls a tool first, or a filter or an error has cut off the answer.
const reasonsWithoutAnswer: ReadonlySet<string> = new Set(['tool-calls', 'content-filter', 'error']);

/** Checks whether a model call with this finish reason returned a final answer. */
export function isFinalAnswer(finishReason: string): boolean {
  return !reasonsWithoutAnswer.has(finishReason);
}

/** Finds the index of the user's last message; -1 if there is none. */
export function lastUserIndex(prompt: readonly PromptMessage[]): number {
  return prompt.findLastIndex(({ role }) => role === 'user');
}

/** Makes the default memory for a turn, with the user's message and the answer. Makes none if both are empty. */
export function turnMemories({ messages: [question], answer }: Turn): NewMemory[] {
  const text = turnText(contentText(question?.content ?? ''), contentText(answer));
  return text === '' ? [] : [{ text, source: { channel: 'user' } }];
}

/** Joins the text parts of a message, without files, to a query for a search. */
export function searchText(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content.trim();
  return content
    .flatMap((part) => (isText(part) ? [part.text] : []))
    .join('\n')
    .trim();
}

/** Converts a message to text. A file becomes a placeholder such as `[file bill.pdf application/pdf]`. Other parts are left out. */
function contentText(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content.trim();
  return content.flatMap(partText).join('\n').trim();
}

function partText(part: ContentPart): string[] {
  if (isText(part)) return [part.text];
  if (part.type !== 'file') return [];
  const { filename, mediaType } = part as ContentPart & { filename?: string; mediaType?: string };
  return [`[${['file', filename, mediaType].filter(Boolean).join(' ')}]`];
}

function isText(part: ContentPart): part is ContentPart & { text: string } {
  return part.type === 'text' && 'text' in part && typeof part.text === 'string';
}
