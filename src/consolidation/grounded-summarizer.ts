import { analyzeAsUnknown } from '../keyword-index/analyzer';
import { extractiveSummarizer } from './extractive-summarizer';
import { groundFacts } from './grounding';
import { budgetOf } from './ratio';
import type { FactDraft, SourceGroup, Summarizer, Summary } from './summarizer';

/** A summary must keep at least this share of the information that quotations of the same length keep. */
const leastKept = 0.6;

/**
 * Makes a summarizer that returns only the facts of another one that their sources support. `openAIChat`, `fromAISDKChat` and
 * `fromLangChainChat` do this themselves. Use it for a summarizer of your own that asks a language model.
 *
 * A fact is dropped if it contains a number, an address, a URL or a name that its sources lack; if most of its words are not in its
 * sources; if it is a request, a refusal or a part of the instructions; if it repeats itself; if it states what its source only supposes;
 * or if it would make the facts longer than the ratio allows, by more than a fifth. It does not find a wrong relation between right words.
 *
 * If too little remains, less than three fifths of the information in quotations of the same length, the summary has no facts at all, and the
 * memories stay as they are. The tokens of the model still count.
 *
 * @example
 * ```ts
 * import { groundedSummarizer, type Summarizer } from 'multi-agent-memory';
 * declare const mine: Summarizer;
 * const summarizer = groundedSummarizer(mine);
 * summarizer.name satisfies string;
 * ```
 */
export function groundedSummarizer(summarizer: Summarizer): Summarizer {
  return {
    name: summarizer.name,
    maxInputTokens: summarizer.maxInputTokens,
    async summarize(group, options) {
      const budget = budgetOf(group, options);
      const summary = await summarizer.summarize(group, options);
      options.signal?.throwIfAborted();
      const { facts } = groundFacts(summary.facts, group, budget);
      const quotations = await extractiveSummarizer().summarize(group, options);
      const isEnough = informationIn(facts, group) >= leastKept * informationIn(quotations.facts, group);
      return { ...summary, facts: isEnough ? facts : [] } satisfies Summary;
    },
  };
}

/** The sum of the worth of the different words of facts that occur in their group. A rare word is worth more. */
function informationIn(facts: readonly FactDraft[], group: SourceGroup): number {
  const known = new Set(group.sources.flatMap(({ text }) => analyzeAsUnknown(text)));
  let sum = 0;
  for (const word of new Set(facts.flatMap(({ text }) => analyzeAsUnknown(text)))) {
    if (!known.has(word)) continue;
    const frequency = Math.max(1, group.documentFrequency(word));
    sum += Math.log(1 + Math.max(group.documents, frequency) / frequency);
  }
  return sum;
}
