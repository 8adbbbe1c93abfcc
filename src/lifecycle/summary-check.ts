import type { FactDraft, Summary, TokenUsage } from '../consolidation/summarizer';
import { isPlainObject } from '../domain/realms';
import type { SkipReason } from './consolidation-options';

/** The bounds that the facts of a group must keep. */
export interface SummaryBounds {
  /** The number of sources. */
  readonly sources: number;
  /** The bytes of the sources together. */
  readonly bytes: number;
  readonly ratio: number;
  /** The maximum length of one fact, in bytes. */
  readonly textBytes: number;
}

/** What a summarizer returned, if it can be stored. */
export type CheckedSummary =
  | { readonly facts: readonly FactDraft[]; readonly bytes: number }
  | { readonly refused: SkipReason };

// A model does not count bytes exactly.
const tolerance = 1.2;

/** Checks what a summarizer returned, because it may be anything. One wrong fact refuses the summary: the sources then stay as they are. */
export function checkSummary(summary: unknown, { sources, bytes, ratio, textBytes }: SummaryBounds): CheckedSummary {
  if (!isPlainObject(summary) || !Array.isArray(summary.facts)) return { refused: 'failed' };
  const facts: FactDraft[] = [];
  for (const fact of summary.facts as readonly unknown[]) {
    const checked = checkedFact(fact, sources, textBytes);
    if (checked === undefined) return { refused: 'failed' };
    facts.push(checked);
  }
  if (facts.length === 0) return { refused: 'no-facts' };
  const after = facts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (after >= bytes || after > bytes * ratio * tolerance) return { refused: 'not-shorter' };
  return { facts, bytes: after };
}

function checkedFact(fact: unknown, sources: number, textBytes: number): FactDraft | undefined {
  if (!isPlainObject(fact) || typeof fact.text !== 'string' || !Array.isArray(fact.from)) return undefined;
  const text = fact.text.toWellFormed();
  if (text.trim() === '' || Buffer.byteLength(text) > textBytes) return undefined;
  const from = [...new Set(fact.from as readonly unknown[])];
  const areSources = from.every(
    (n): n is number => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= sources,
  );
  return areSources && from.length > 0 ? { text, from } : undefined;
}

/** The tokens that a summary reports. What is no number counts as nothing. */
export function usageOf(summary: unknown): TokenUsage {
  const usage =
    isPlainObject(summary) && isPlainObject(summary.usage) ? (summary as unknown as Summary).usage : undefined;
  return { inputTokens: count(usage?.inputTokens), outputTokens: count(usage?.outputTokens) };
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
