import type { CallOptions } from '../domain/calls';

/** One memory that a summarizer reads. */
export interface SummarySource {
  /** The number of the source in its group, from 1. Facts name their sources by it. */
  readonly n: number;
  readonly text: string;
  /** When the text became true, or when it was written. */
  readonly at: Date;
  /** The name of the agent, user or service that wrote the text. */
  readonly by: string;
}

/** The sources of one summary: memories of the same scope, owner, subject, kind and trust, in the order of time. */
export interface SourceGroup {
  readonly sources: readonly SummarySource[];
  /**
   * Returns how many memories of the group's scope contain a word. Words are those of the keyword index: in lower case, without
   * accents, and English words reduced to their stems.
   */
  documentFrequency(word: string): number;
  /** The number of memories in the group's scope. */
  readonly documents: number;
}

/** A short text that replaces its sources. It is stored as a memory of its own. */
export interface FactDraft {
  readonly text: string;
  /** The numbers of the sources that say so. At least one. */
  readonly from: readonly number[];
}

/** The tokens that a language model has read and written. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a summarizer made of a group. */
export interface Summary {
  readonly facts: readonly FactDraft[];
  /** The tokens of the language model. Absent if there is no model, or it does not count them. */
  readonly usage?: TokenUsage;
}

/** The options of `summarize`. */
export interface SummarizeOptions extends CallOptions {
  /** How long the facts may be together, as a share of the sources, in UTF-8 bytes of their texts: above 0, at most 1. */
  ratio: number;
}

/** Turns memories into fewer and shorter ones, which name their sources. */
export interface Summarizer {
  /** The name of the algorithm or the model, with its version. It is stored with every fact. */
  readonly name: string;
  /** The longest group that the summarizer reads, in tokens. */
  readonly maxInputTokens: number;
  /**
   * Summarizes a group in facts. It may drop what is not worth a fact, up to all of it.
   */
  summarize(group: SourceGroup, options: SummarizeOptions): Promise<Summary>;
}
