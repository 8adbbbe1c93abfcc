import { nextTurn } from '../environment/timers';
import { analyzeAsUnknown } from '../keyword-index/analyzer';
import { type Candidate, coveringChoice } from './coverage';
import { bytesOf, factsWithin, type Quotation, quotationsIn } from './quotations';
import { budgetOf } from './ratio';
import type { SourceGroup, SummarizeOptions, Summarizer, Summary } from './summarizer';

// The weights were chosen on the odd conversations of LoCoMo; docs/consolidation.md reports the even ones.
/** How much more a name, a number or a date is worth than another word. */
const nameFactor = 4;
/** What a question is worth, compared with a statement. */
const questionFactor = 0.5;
/** What a sentence is worth that speaks to the other: it is more often a reaction than a fact. */
const addressFactor = 0.6;
/** By how much the choice exceeds the budget: its share, and bytes for groups so small that few sentences fit. */
const surplus = 1.25;
const surplusBytes = 500;
/** Other work of the process runs at least once for so many sentences. */
const sentencesPerTurn = 256;

const question = /[?？؟]["'”’)]*$/;
// A word with a capital letter that does not begin the sentence, or with a digit.
const nameOrNumber = /(?<![\p{L}\p{N}_])(?:[\p{L}\p{M}]*\p{N}[\p{L}\p{N}\p{M}]*|\p{Lu}[\p{L}\p{M}]*)/gu;
const address = /\b(?:you|your|yours)\b/i;
/** Words that tell when something happened, as the keyword index has them. They are English, as its stems are. */
const dateWords: ReadonlySet<string> = new Set(
  analyzeAsUnknown(`yesterday today tomorrow tonight ago last next week weekend month year day monday tuesday wednesday thursday friday saturday
    sunday`),
);
const mayHaveName = /[\p{Lu}\p{N}]/u;

/**
 * Makes the summarizer that needs no model: it selects the sentences that cover the most information of a group, and quotes them word for
 * word. It works offline, costs nothing, and the same group always gives the same facts. It reads about 25,000 chat messages a second.
 *
 * Names, numbers and rare words count more; what was said already counts less; questions count half. A sentence that occurs in several
 * sources is kept once, with all of them.
 *
 * @example
 * ```ts
 * import { extractiveSummarizer, type SourceGroup } from 'multi-agent-memory';
 * const group: SourceGroup = {
 *   sources: [
 *     { n: 1, text: 'Good morning! The parcel for order 4417 was lost.', at: new Date('2026-03-01'), by: 'support' },
 *     { n: 2, text: 'Thank you. The refund of 30 euros was sent on Monday.', at: new Date('2026-03-02'), by: 'support' },
 *   ],
 *   documents: 2,
 *   documentFrequency: () => 1,
 * };
 * const { facts } = await extractiveSummarizer().summarize(group, { ratio: 0.9 });
 * facts[0]!.from satisfies readonly number[];
 * ```
 */
export function extractiveSummarizer(): Summarizer {
  return extractive;
}

const extractive: Summarizer = { name: 'extractive 1', maxInputTokens: Number.MAX_SAFE_INTEGER, summarize };

async function summarize(group: SourceGroup, options: SummarizeOptions): Promise<Summary> {
  const { signal } = options;
  signal?.throwIfAborted();
  const budget = budgetOf(group, options);
  const quotations = await quotationsIn(group, signal);
  const words = new GroupWords(group);
  const candidates: Candidate[] = [];
  for (const each of quotations)
    if (candidates.push(candidateOf(each, words)) % sentencesPerTurn === 0) await pauseFor(signal);
  // The costs count a speaker for each sentence, but a fact names a speaker once. So more is chosen than the budget allows, and
  // `factsWithin` leaves out what does not fit.
  const chosen: number[] = [];
  for (const each of coveringChoice(candidates, words.size, surplus * budget + surplusBytes))
    if (chosen.push(each) % sentencesPerTurn === 0) await pauseFor(signal);
  return { facts: factsWithin(budget, quotations, chosen) };
}

async function pauseFor(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  signal?.throwIfAborted();
}

/** The words of a group, with a number for each. */
class GroupWords {
  readonly #group: SourceGroup;
  readonly #numbers = new Map<string, number>();
  readonly #weights: number[] = [];

  constructor(group: SourceGroup) {
    this.#group = group;
  }

  get size(): number {
    return this.#weights.length;
  }

  numberOf(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const { documents } = this.#group;
    // A caller may count the words of other texts than these, so neither number is trusted to be above 0.
    const frequency = Math.max(1, this.#group.documentFrequency(word));
    const number = this.#weights.push(Math.log(1 + Math.max(documents, frequency) / frequency)) - 1;
    this.#numbers.set(word, number);
    return number;
  }

  weightOf(number: number): number {
    return this.#weights[number]!;
  }
}

function candidateOf(quotation: Quotation, words: GroupWords): Candidate {
  const { text } = quotation;
  const names = namesIn(text);
  const weights = new Map<number, number>();
  for (const word of analyzeAsUnknown(text)) {
    const number = words.numberOf(word);
    weights.set(number, words.weightOf(number) * (names.has(word) || dateWords.has(word) ? nameFactor : 1));
  }
  return {
    words: [...weights.keys()],
    weights: [...weights.values()],
    factor: (question.test(text) ? questionFactor : 1) * (address.test(text) ? addressFactor : 1),
    cost: bytesOf(quotation),
  };
}

/** The words of the names and numbers in a sentence, as the keyword index has them. */
function namesIn(text: string): ReadonlySet<string> {
  if (!mayHaveName.test(text.slice(1))) return new Set();
  const found = [...text.matchAll(nameOrNumber)].filter(({ index, 0: word }) => index > 0 || /\p{N}/u.test(word));
  return new Set(found.flatMap(([word]) => analyzeAsUnknown(word)));
}
