import { invalidInput } from '../domain/errors';
import { describeValue } from '../domain/realms';
import type { SourceGroup, SummarizeOptions } from './summarizer';

/**
 * Returns how many bytes the facts of a group may have together.
 *
 * @throws INVALID_INPUT if the ratio is not above 0 and at most 1.
 */
export function budgetOf({ sources }: SourceGroup, { ratio }: SummarizeOptions): number {
  if (typeof ratio === 'number' && ratio > 0 && ratio <= 1) return ratio * bytesOfTexts(sources);
  const message = `expected a number above 0 and at most 1, got ${describeValue(ratio)}.`;
  throw invalidInput([{ path: ['ratio'], message }], 'options of summarize');
}

/** The length of all texts together, in UTF-8 bytes. */
export function bytesOfTexts(texts: readonly { readonly text: string }[]): number {
  return texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}
