import type { SourceGroup } from '../../src/consolidation/summarizer';
import { analyze } from '../../src/keyword-index/analyzer';

/** A group of these texts, whose scope contains no other memories. */
export function groupOf(texts: readonly string[], by: (i: number) => string = () => 'support'): SourceGroup {
  const frequencies = new Map<string, number>();
  for (const text of texts)
    for (const word of new Set(analyze(text))) frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
  return {
    sources: texts.map((text, i) => ({ n: i + 1, text, at: new Date(Date.UTC(2026, 2, 1, 0, i)), by: by(i) })),
    documents: texts.length,
    documentFrequency: (word) => frequencies.get(word) ?? 0,
  };
}
