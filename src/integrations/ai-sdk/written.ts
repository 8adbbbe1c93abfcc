import type { ContentPart } from './model-types';

/** What a person wrote, without anything that is no text: what can be searched for. */
export function textIn(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content.trim();
  return content
    .flatMap((part) => (isText(part) ? [part.text] : []))
    .join('\n')
    .trim();
}

/**
 * A message as text, with a word in brackets where there is a file. What a model said to itself, its sources and the calls of tools
 * are no part of it.
 */
export function written(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content.trim();
  return content.flatMap(wordsFor).join('\n').trim();
}

function wordsFor(part: ContentPart): string[] {
  if (isText(part)) return [part.text];
  if (part.type !== 'file') return [];
  const { filename, mediaType } = part as ContentPart & { filename?: string; mediaType?: string };
  return [`[${['file', filename, mediaType].filter(Boolean).join(' ')}]`];
}

function isText(part: ContentPart): part is ContentPart & { text: string } {
  return part.type === 'text' && 'text' in part && typeof part.text === 'string';
}
