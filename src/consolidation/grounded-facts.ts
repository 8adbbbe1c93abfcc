import { analyze } from '../keyword-index/analyzer';
import { extractiveSummarizer } from './extractive-summarizer';
import { type GroundingProblem, groundFacts } from './grounding';
import { budgetOf } from './ratio';
import type { FactDraft, SourceGroup, SummarizeOptions, Summarizer, Summary, TokenUsage } from './summarizer';

/** The options of `groundedFacts`. */
export interface GroundedFactsOptions extends SummarizeOptions {
  /** What to do if a summarizer fails twice: take the facts of the extractive summarizer, or none. */
  readonly onFailure: 'extractive' | 'skip';
}

/** Facts that their sources support. */
export interface GroundedSummary {
  /** Empty if the summarizer failed and the group is to be skipped. */
  readonly facts: readonly FactDraft[];
  /** The name of the summarizer that made the facts. */
  readonly summarizer: string;
  /** The tokens of all calls together, also of those that failed. */
  readonly usage: TokenUsage;
  /** How many facts were dropped in all calls, for each problem. */
  readonly dropped: ReadonlyMap<GroundingProblem, number>;
  /** The error of the last call, if it threw one. */
  readonly failure?: unknown;
}

/** A summary must keep at least this share of the information that quotations of the same length keep. */
const leastKept = 0.6;
const maxCalls = 2;

/**
 * Asks a summarizer for facts, and drops those that their sources do not support. If it fails, or too little remains, asks once more; then
 * takes the facts of the extractive summarizer, or none. Nothing that a model returns is stored without this check.
 */
export async function groundedFacts(
  summarizer: Summarizer,
  group: SourceGroup,
  { onFailure, ...options }: GroundedFactsOptions,
): Promise<GroundedSummary> {
  const budget = budgetOf(group, options);
  const quoting = extractiveSummarizer();
  const usage = { inputTokens: 0, outputTokens: 0 };
  const dropped = new Map<GroundingProblem, number>();
  if (summarizer === quoting) {
    const { facts } = await quoting.summarize(group, options);
    return { facts, summarizer: quoting.name, usage, dropped };
  }
  let quoted: readonly FactDraft[] | undefined;
  let failure: unknown;
  for (let call = 1; call <= maxCalls; call++) {
    let summary: Summary;
    try {
      summary = await summarizer.summarize(group, options);
      failure = undefined;
    } catch (thrown) {
      options.signal?.throwIfAborted();
      failure = thrown;
      continue;
    }
    options.signal?.throwIfAborted();
    usage.inputTokens += summary.usage?.inputTokens ?? 0;
    usage.outputTokens += summary.usage?.outputTokens ?? 0;
    const grounded = groundFacts(summary.facts, group, budget);
    for (const [problem, count] of grounded.dropped) dropped.set(problem, (dropped.get(problem) ?? 0) + count);
    quoted ??= (await quoting.summarize(group, options)).facts;
    if (massOf(grounded.facts, group) >= leastKept * massOf(quoted, group))
      return { facts: grounded.facts, summarizer: summarizer.name, usage, dropped };
  }
  const last = { usage, dropped, ...(failure === undefined ? {} : { failure }) };
  if (onFailure === 'skip') return { ...last, facts: [], summarizer: summarizer.name };
  quoted ??= (await quoting.summarize(group, options)).facts;
  return { ...last, facts: quoted, summarizer: quoting.name };
}

/** How much the facts say: the sum of the worth of their different words, a rare word being worth more. */
function massOf(facts: readonly FactDraft[], group: SourceGroup): number {
  const known = new Set(group.sources.flatMap(({ text }) => analyze(text)));
  const words = new Set(facts.flatMap(({ text }) => analyze(text)));
  let mass = 0;
  for (const word of words) {
    if (!known.has(word)) continue;
    const frequency = Math.max(1, group.documentFrequency(word));
    mass += Math.log(1 + Math.max(group.documents, frequency) / frequency);
  }
  return mass;
}
