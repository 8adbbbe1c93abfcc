import type { Summarizer, TokenUsage } from '../consolidation/summarizer';
import type { LongCallOptions } from '../domain/calls';

/** Options of `consolidate`. */
export interface ConsolidateOptions extends LongCallOptions {
  /** With `true` nothing is stored, and the result shows in `preview` what would be. The summarizer is called in either case. */
  dryRun: boolean;
  /** Makes the facts. Default: `extractiveSummarizer()`, which quotes the memories and needs no model. */
  summarizer?: Summarizer;
  /** How long the facts of a group may be together, as a share of its sources: above 0, at most 1. Default: 0.5. */
  ratio?: number;
  /**
   * What else must be equal in a group: the session, or the day in UTC of `validFrom`. Default: `['session']`. With `[]`, only what must be
   * equal in any case.
   */
  groupBy?: readonly ('session' | 'day')[];
  /** The smallest group. From 1 to 10,000. Default: 8. */
  minSources?: number;
  /** The largest group. From 1 to 10,000. Default: 256. */
  maxSources?: number;
  /** Also makes facts from facts. Default: false, which takes only memories of the kind 'episodic'. */
  facts?: boolean;
}

/**
 * Why memories were not consolidated:
 *
 * - 'kind' They are not of the kind 'episodic'.
 * - 'pinned', 'key', 'metadata', 'ended' They are pinned, have a key, metadata, or a `validTo`.
 * - 'untrusted' Their trust is 'untrusted'.
 * - 'recent' They are younger than the policy says.
 * - 'forbidden' The principal may read them but not consolidate them.
 * - 'depth' They are facts of facts of facts.
 * - 'few' Their group is smaller than `minSources`.
 * - 'long' They are longer than what the summarizer reads at once.
 * - 'changed' They changed while the summarizer read them, and also when it was tried again.
 * - 'no-facts' The summarizer found no facts.
 * - 'not-shorter' The facts were longer than `ratio` allows, by more than a fifth, or as long as their sources.
 * - 'failed' The summarizer failed, or returned something else than facts with their sources.
 * - 'budget' The budget of the policy for this day is spent.
 */
export type SkipReason =
  | 'kind'
  | 'pinned'
  | 'key'
  | 'metadata'
  | 'ended'
  | 'untrusted'
  | 'recent'
  | 'forbidden'
  | 'depth'
  | 'few'
  | 'long'
  | 'changed'
  | 'no-facts'
  | 'not-shorter'
  | 'failed'
  | 'budget';

/** What a consolidation would make of one group. */
export interface GroupPreview {
  /** The ids of the memories. */
  sources: string[];
  /** The facts, each with the ids of the memories that it quotes. */
  facts: { text: string; sources: string[] }[];
}

/** The result of `consolidate`. In a dry run, the counts say what would be done. */
export interface ConsolidationResult {
  /** The number of groups that became facts. */
  groups: number;
  /** The number of memories in these groups. They are now 'consolidated'. */
  sources: number;
  /** The number of new facts. */
  facts: number;
  /** The bytes of the texts of the sources, in UTF-8. */
  bytesBefore: number;
  /** The bytes of the facts. */
  bytesAfter: number;
  /** The tokens that the summarizer's model has read and written, as far as it counts them. */
  usage: TokenUsage;
  /** How many of the selected memories were left as they are, for each reason. */
  skipped: { reason: SkipReason; count: number }[];
  /** Only in a dry run: the first 100 groups. */
  preview?: GroupPreview[];
}
