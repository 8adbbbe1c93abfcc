import type { Metadata, NewMemory } from '../../index';

// A memory has a text. This one holds no word that a search could find.
const notIndexed = '{…}';

/** A value as a memory: found by its texts, or by none. */
export function writtenValue(value: object, texts: readonly string[]): Pick<NewMemory, 'text' | 'metadata' | 'embed'> {
  const text = texts.join('\n\n');
  const isIndexed = text.trim() !== '';
  return { text: isIndexed ? text : notIndexed, metadata: value as Metadata, ...(isIndexed ? {} : { embed: false }) };
}

/** What is searched of a value, or a part of one: lists and objects as JSON. */
export function searchedTexts(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  return [typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)];
}
