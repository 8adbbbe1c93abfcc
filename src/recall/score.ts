import type { ScoreParts } from '../domain/memory';

export type Mode = 'hybrid' | 'semantic' | 'keyword';

/** What is known of one candidate. Cosine and keyword score are 0 where there is none. */
export interface Evidence {
  readonly cosine: number;
  readonly keyword: number;
  /** Milliseconds since it became true; negative where that lies ahead. */
  readonly ageMs: number;
  /** 0..1. */
  readonly priority: number;
}

// Relevance decides; recency and priority settle what is nearly equal.
// Measured on LoCoMo: at 0.05 each, recency and priority that say nothing about the question cost 0.3 to 0.5 of recall@10.
const relevanceWeight = 0.94;
const recencyWeight = 0.03;
const priorityWeight = 0.03;
/** An estimate is the cosine of vectors rounded to bytes: over 384 dimensions it is off by some thousandths. */
export const estimateError = 0.01;

// Chosen on half of LoCoMo's conversations, for the built-in model and MiniLM together: `npm run bench -- --only fusion-locomo`.
const semanticShare = 0.4;
const halfLifeMs = 30 * 24 * 60 * 60 * 1000;

/**
 * The parts of a score. Each depends on the candidate, the query and what its reader may see, and on nothing else, so that
 * scores compare between calls; the sum is in 0..1.
 *
 * - relevance (0.94): in 'hybrid', 0.4 of the cosine and 0.6 of the keyword score; in the other modes the one there is.
 *   A cosine below 0 counts as 0.
 * - recency (0.03): halves with every 30 days since `validFrom`.
 * - priority (0.03): the memory's own.
 */
export function scoreParts({ cosine, keyword, ageMs, priority }: Evidence, mode: Mode): ScoreParts {
  const share = shareOf(mode);
  return {
    ...(mode === 'keyword' ? {} : { semantic: semanticPart(cosine, share) }),
    ...(mode === 'semantic' ? {} : { keyword: keywordPart(keyword, share) }),
    recency: recencyPart(ageMs),
    priority: priorityWeight * priority,
  };
}

/** The sum of the parts in 'hybrid' mode, for many candidates: without an object for each. */
export function hybridScore(cosine: number, keyword: number, ageMs: number, priority: number): number {
  return (
    semanticPart(cosine, semanticShare) +
    keywordPart(keyword, semanticShare) +
    recencyPart(ageMs) +
    priorityWeight * priority
  );
}

function shareOf(mode: Mode): number {
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

/** The sum of the parts, always in the same order: floating-point addition is not associative. */
export function scoreOf({ semantic = 0, keyword = 0, recency, priority }: ScoreParts): number {
  return semantic + keyword + recency + priority;
}
