import type { SourceGroup, Summarizer } from 'multi-agent-memory';
import { bytesOf, factsWithin, type Quotation, quotationsIn } from '../../src/consolidation/quotations';
import { analyze } from '../../src/keyword-index/analyzer';
import { random } from './random';

/** Quotes random sentences. */
export const randomSentences: Summarizer = quoting('random', (quotations) => {
  const { uniform } = random(quotations.length);
  return quotations.map(uniform);
});

// The parameters of the paper.
const damping = 0.85;
const threshold = 0.1;
const rounds = 30;

/**
 * Quotes the sentences that are similar to many others (Erkan and Radev, 'LexRank: Graph-based Lexical Centrality as Salience in Text
 * Summarization', 2004).
 */
export const lexRank: Summarizer = quoting('LexRank', (quotations, { documents, documentFrequency }) => {
  const vectors = quotations.map(({ text }) => {
    const counts = new Map<string, number>();
    for (const word of analyze(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    return new Map(
      [...counts].map(([word, count]) => [word, count * Math.log(documents / Math.max(1, documentFrequency(word)))]),
    );
  });
  const neighbours = vectors.map((a) => vectors.flatMap((b, i) => (cosine(a, b) > threshold ? [i] : [])));
  let ranks = quotations.map(() => 1);
  for (let round = 0; round < rounds; round++) {
    const next = quotations.map(() => 1 - damping);
    for (const [i, near] of neighbours.entries())
      for (const other of near) next[other]! += (damping * ranks[i]!) / near.length;
    ranks = next;
  }
  return ranks;
});

/** Makes a summarizer that quotes the sentences with the highest scores. */
function quoting(
  name: string,
  scoresOf: (quotations: readonly Quotation[], group: SourceGroup) => readonly number[],
): Summarizer {
  return {
    name,
    maxInputTokens: Number.MAX_SAFE_INTEGER,
    async summarize(group, { ratio, signal }) {
      const quotations = await quotationsIn(group, signal);
      const scores = scoresOf(quotations, group);
      const budget = ratio * group.sources.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
      let left = budget;
      const chosen = [...quotations.keys()]
        .sort((a, b) => scores[b]! - scores[a]!)
        .filter((i) => {
          const fits = bytesOf(quotations[i]!) <= left;
          if (fits) left -= bytesOf(quotations[i]!);
          return fits;
        });
      return { facts: factsWithin(budget, quotations, chosen) };
    },
  };
}

function cosine(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let product = 0;
  for (const [word, weight] of a) product += weight * (b.get(word) ?? 0);
  return product === 0 ? 0 : product / (norm(a) * norm(b));
}

function norm(vector: ReadonlyMap<string, number>): number {
  return Math.hypot(...vector.values());
}
