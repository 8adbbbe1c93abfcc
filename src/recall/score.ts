import type { ScoreParts } from '../domain/memory';

export type RecallMode = 'hybrid' | 'semantic' | 'keyword';

/** What the score of one candidate depends on. */
export interface ScoreInputs {
  /** The cosine of the query's and the memory's vector; 0 if either has none. */
  readonly cosine: number;
  /** From 0 to 1; 0 if no term matches. */
  readonly keyword: number;
  /** Milliseconds since `validFrom`. Negative if `validFrom` lies in the future. */
  readonly ageMs: number;
  /** From 0 to 1. */
  readonly priority: number;
}

// Relevance decides; recency and priority only order what is nearly equal. Measured on LoCoMo: with 0.05 each, recency and
// priority that are unrelated to the question cost 0.3 to 0.5 points of recall@10.
const relevanceWeight = 0.94;
const recencyWeight = 0.03;
const priorityWeight = 0.03;

/** How far an estimate can be from the cosine. Estimates use vectors rounded to bytes: over 384 dimensions they differ by some thousandths. */
export const estimateError = 0.01;

// Chosen on half of LoCoMo's conversations, for the built-in model and MiniLM together: `npm run bench -- --only fusion-locomo`.
const semanticShare = 0.4;
const halfLifeMs = 30 * 24 * 60 * 60 * 1000;

/**
 * The parts of a score. They depend only on the candidate, the query and the memories that the caller may see, so that scores of
 * different calls compare. Their sum is from 0 to 1.
 *
 * - Relevance, up to 0.94. In 'hybrid' mode: 0.4 x cosine + 0.6 x keyword score. In the other modes: the one of the two that the
 *   mode names. A negative cosine counts as 0.
 * - Recency, up to 0.03. It halves every 30 days after `validFrom`.
 * - Priority, up to 0.03: the memory's priority.
 */
export function scoreParts({ cosine, keyword, ageMs, priority }: ScoreInputs, mode: RecallMode): ScoreParts {
  const share = semanticShareIn(mode);
  return {
    ...(mode === 'keyword' ? {} : { semantic: semanticPart(cosine, share) }),
    ...(mode === 'semantic' ? {} : { keyword: keywordPart(keyword, share) }),
    recency: recencyPart(ageMs),
    priority: priorityWeight * priority,
  };
}

/** The sum of the parts in 'hybrid' mode. For many candidates, because it makes no object for each. */
export function hybridScore(cosine: number, keyword: number, ageMs: number, priority: number): number {
  return (
    semanticPart(cosine, semanticShare) +
    keywordPart(keyword, semanticShare) +
    recencyPart(ageMs) +
    priorityWeight * priority
  );
}

function semanticShareIn(mode: RecallMode): number {
  return mode === 'hybrid' ? semanticShare : mode === 'semantic' ? 1 : 0;
}

function semanticPart(cosine: number, share: number): number {
  return relevanceWeight * share * Math.min(1, Math.max(0, cosine));
}

function keywordPart(keyword: number, share: number): number {
  return relevanceWeight * (1 - share) * keyword;
}

function recencyPart(ageMs: number): number {
  return recencyWeight * 2 ** (-Math.max(0, ageMs) / halfLifeMs);
}

/** The sum of the parts. Always added in the same order, because floating-point addition is not associative. */
export function scoreOf({ semantic = 0, keyword = 0, recency, priority }: ScoreParts): number {
  return semantic + keyword + recency + priority;
}
