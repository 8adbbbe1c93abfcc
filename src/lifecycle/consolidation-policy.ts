import type { Summarizer } from '../consolidation/summarizer';
import { contains, type Namespace } from '../domain/namespace';

/** The most that a policy may spend on its summarizer's model in one day (in UTC). A restart does not begin the day again. */
export interface ConsolidationBudget {
  callsPerDay?: number;
  inputTokensPerDay?: number;
  outputTokensPerDay?: number;
}

/** When the memories in a namespace are consolidated in the background, and how. */
export interface ConsolidationPolicy {
  /** The namespace. The policy also holds below it, except where another policy is declared. */
  at: Namespace;
  /** Makes the facts. Default: `extractiveSummarizer()`, which quotes the memories and needs no model. */
  summarizer?: Summarizer;
  /** Runs after this number of new memories in the namespace. Default: 1,000. */
  everyWrites?: number;
  /** Also runs when this number of milliseconds has passed since the last run. Default: only after writes. */
  everyMs?: number;
  /** Takes only memories that were written this many days ago. Default: 30. */
  olderThanDays?: number;
  /** See `ConsolidateOptions`. */
  minSources?: number;
  /** See `ConsolidateOptions`. */
  maxSources?: number;
  /** See `ConsolidateOptions`. */
  ratio?: number;
  /** See `ConsolidateOptions`. */
  groupBy?: readonly ('session' | 'day')[];
  /** What the summarizer may cost. Default: no limit. */
  budget?: ConsolidationBudget;
  /**
   * What happens to a group for which the summarizer has failed, or found no facts that can be stored. 'skip': its memories stay as they are,
   * and the policy tries again later. 'extractive': `extractiveSummarizer()` makes the facts. Default: 'skip'.
   */
  onFailure?: 'extractive' | 'skip';
}

/** A policy with all defaults filled in. */
export interface ParsedPolicy {
  readonly at: Namespace;
  /** Undefined for the summarizer that needs no model. */
  readonly summarizer?: Summarizer | undefined;
  readonly everyWrites: number;
  readonly everyMs?: number | undefined;
  readonly olderThanDays: number;
  readonly minSources: number;
  readonly maxSources: number;
  readonly ratio: number;
  readonly groupBy: readonly ('session' | 'day')[];
  readonly budget?: Unset<ConsolidationBudget> | undefined;
  readonly onFailure: 'extractive' | 'skip';
}

type Unset<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Whether a policy decides about a namespace: it is the deepest one there. */
export function decidesAbout(policy: ParsedPolicy, all: readonly ParsedPolicy[], namespace: Namespace): boolean {
  const isDeeper = ({ at }: ParsedPolicy) => at.length > policy.at.length && contains(at, namespace);
  return contains(policy.at, namespace) && !all.some(isDeeper);
}
