import { nextTurn } from '../environment/timers';
import { bytesOfTexts } from './ratio';
import { sentencesOf } from './sentences';
import type { FactDraft, SourceGroup, SummarySource } from './summarizer';

/** Facts are filled with sentences up to this length, in UTF-16 units. */
const maxFactLength = 300;
/** How many choices are tried for the room that is left at the end. */
const maxFillers = 16;
/** Other work of the process runs at least once for so many characters. */
const charactersPerTurn = 32_768;

const speakerPrefix = /^\p{L}[^\n:.!?]{0,40}: (?=\S)/u;

/** A sentence that a fact can quote. */
export interface Quotation {
  readonly text: string;
  /** The speaker and the punctuation after it, or an empty string. */
  readonly speaker: string;
  /** The numbers of all sources that contain the sentence. */
  readonly from: number[];
}

/** Returns the different sentences of a group, in order. Pauses for other work, and rejects with the reason of the signal. */
export async function quotationsIn(
  { sources }: SourceGroup,
  signal: AbortSignal | undefined,
): Promise<readonly Quotation[]> {
  const byLine = new Map<string, Quotation>();
  const hasSeveralAuthors = sources.some(({ by }) => by !== sources[0]!.by);
  let characters = 0;
  for (const source of sources) {
    const { speaker, said } = spoken(source, hasSeveralAuthors);
    for (const text of sentencesOf(said)) {
      const known = byLine.get(speaker + text);
      if (known === undefined) byLine.set(speaker + text, { text, speaker, from: [source.n] });
      else if (known.from.at(-1) !== source.n) known.from.push(source.n);
      characters += text.length;
      if (characters < charactersPerTurn) continue;
      characters = 0;
      await nextTurn();
      signal?.throwIfAborted();
    }
  }
  return [...byLine.values()];
}

/** Splits `Speaker: words`. A text without a speaker gets the name of its author if the group has several. */
function spoken({ text, by }: SummarySource, hasSeveralAuthors: boolean): { speaker: string; said: string } {
  const prefix = speakerPrefix.exec(text)?.[0];
  if (prefix !== undefined) return { speaker: prefix, said: text.slice(prefix.length) };
  return { speaker: hasSeveralAuthors ? `${by}: ` : '', said: text };
}

/** The bytes that a quotation takes at most in a fact. */
export function bytesOf({ text, speaker }: Quotation): number {
  return Buffer.byteLength(text) + Buffer.byteLength(speaker) + 1;
}

/**
 * Joins the chosen quotations to facts, in the order of the sources. If the facts exceed the budget, leaves out the last choices that do
 * not fit.
 *
 * @param chosen The indexes of the chosen quotations, the most important first.
 * @param budget The bytes of all facts together.
 */
export function factsWithin(
  budget: number,
  quotations: readonly Quotation[],
  chosen: readonly number[],
): readonly FactDraft[] {
  const factsOf = (indexes: readonly number[]) => joined([...indexes].sort((a, b) => a - b).map((i) => quotations[i]!));
  let kept = chosen;
  let facts = factsOf(kept);
  for (let excess = bytesOfTexts(facts) - budget; excess > 0; excess = bytesOfTexts(facts) - budget) {
    let count = kept.length;
    for (let bytes = 0; bytes < excess; ) bytes += bytesOf(quotations[kept[--count]!]!);
    kept = kept.slice(0, count);
    facts = factsOf(kept);
  }
  for (const each of chosen.slice(kept.length, kept.length + maxFillers)) {
    const filled = factsOf([...kept, each]);
    if (bytesOfTexts(filled) > budget) continue;
    kept = [...kept, each];
    facts = filled;
  }
  return facts;
}

function joined(quotations: readonly Quotation[]): readonly FactDraft[] {
  const facts: { text: string; from: Set<number>; speaker: string }[] = [];
  for (const { text, speaker, from } of quotations) {
    const last = facts.at(-1);
    const added = last?.speaker === speaker ? ` ${text}` : `\n${speaker}${text}`;
    if (last === undefined || last.text.length + added.length > maxFactLength) {
      facts.push({ text: speaker + text, from: new Set(from), speaker });
    } else {
      last.text += added;
      last.speaker = speaker;
      for (const n of from) last.from.add(n);
    }
  }
  return facts.map(({ text, from }) => ({ text, from: [...from].sort((a, b) => a - b) }));
}
