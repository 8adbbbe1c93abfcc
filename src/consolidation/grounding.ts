import { analyzeAsUnknown } from '../keyword-index/analyzer';
import { namesIn, numbersIn } from '../keyword-index/stated-words';
import { stopWords } from '../keyword-index/stop-words';
import { bytesOfTexts } from './ratio';
import { sentencesOf } from './sentences';
import type { FactDraft, SourceGroup, SummarySource } from './summarizer';
import { quotesInstructions } from './summary-prompt';

/**
 * Why a fact is not stored:
 *
 * - 'source' It names no source, or one that is not in the group.
 * - 'number' It contains a number, an address or a URL that its sources lack.
 * - 'overlap' Less than two fifths of its words are in its sources.
 * - 'name' It contains a name that the group lacks, or most of its names are not in its sources.
 * - 'hedge' It states what its source only supposes, hopes or plans.
 * - 'instruction' It contains a request, a refusal or the markup of a conversation that its sources lack.
 * - 'echo' It repeats the instructions for the model.
 * - 'loop' It repeats itself, or an earlier fact.
 * - 'length' With it, the facts would exceed the ratio by more than a fifth.
 */
export type GroundingProblem =
  | 'source'
  | 'number'
  | 'overlap'
  | 'name'
  | 'hedge'
  | 'instruction'
  | 'echo'
  | 'loop'
  | 'length';

/** The facts of a summary that their sources support, and how many were dropped for each problem. */
export interface GroundedFacts {
  readonly facts: readonly FactDraft[];
  readonly dropped: ReadonlyMap<GroundingProblem, number>;
}

/** How much longer the facts of a model may be than the ratio allows. A model does not count bytes exactly. */
const lengthTolerance = 1.2;
/** The share of the words of a fact that its sources must contain. */
const leastOverlap = 0.4;
/** The share of the names of a fact that its sources must contain. */
const leastNames = 0.5;

/**
 * Keeps the facts of a summary that their sources support, and drops the others. It compares words, names and numbers: it does not find a
 * wrong relation between right words.
 *
 * @param budget The bytes that the ratio allows for all facts together.
 */
export function groundFacts(summary: readonly FactDraft[], group: SourceGroup, budget: number): GroundedFacts {
  const sources = new GroupTexts(group);
  const facts: FactDraft[] = [];
  const texts = new Set<string>();
  const dropped = new Map<GroundingProblem, number>();
  let bytes = 0;
  for (const fact of summary) {
    const length = bytesOfTexts([fact]);
    const key = analyzeAsUnknown(fact.text).join(' ');
    const problem =
      problemOf(fact, sources) ??
      (texts.has(key) ? 'loop' : bytes + length > lengthTolerance * budget ? 'length' : undefined);
    if (problem === undefined) {
      facts.push(fact);
      texts.add(key);
      bytes += length;
    } else dropped.set(problem, (dropped.get(problem) ?? 0) + 1);
  }
  return { facts, dropped };
}

function problemOf({ text, from }: FactDraft, group: GroupTexts): GroundingProblem | undefined {
  const cited = group.cited(from);
  if (cited === undefined) return 'source';
  const near = group.near(from);
  // A quotation says what its source says, in its words.
  if (text.split('\n').every((line) => cited.includes(line.trim()))) return undefined;
  if (quotesInstructions(text, near)) return 'echo';
  if (isLoop(text)) return 'loop';
  if (hasForeignRequest(text, near)) return 'instruction';
  if (hasForeignNumber(text, near, group.days(from))) return 'number';
  const words = contentWords(text);
  const known = new Set(analyzeAsUnknown(near));
  if (shareIn(words, known) < leastOverlap || words.length === 0) return 'overlap';
  const names = namesIn(text);
  if (names.some((name) => !group.words.has(name)) || shareIn(names, new Set(analyzeAsUnknown(near))) < leastNames)
    return 'name';
  return losesHedge(text, words, cited) ? 'hedge' : undefined;
}

/** The texts of a group, as grounding reads them. */
class GroupTexts {
  readonly #sources: ReadonlyMap<number, SummarySource>;
  #words: ReadonlySet<string> | undefined;

  constructor({ sources }: SourceGroup) {
    this.#sources = new Map(sources.map((source) => [source.n, source]));
  }

  /** The words of all sources and of their authors. */
  get words(): ReadonlySet<string> {
    this.#words ??= new Set([...this.#sources.values()].flatMap((source) => analyzeAsUnknown(textOf(source))));
    return this.#words;
  }

  /** The texts of these sources. Undefined if there are none, or one of them does not exist. */
  cited(from: readonly number[]): string | undefined {
    const found = from.map((n) => this.#sources.get(n));
    const isKnown = found.length > 0 && found.every((source) => source !== undefined);
    return isKnown ? found.map(textOf).join('\n') : undefined;
  }

  /** The texts of these sources and of their neighbours: a question before, or a correction after. */
  near(from: readonly number[]): string {
    const near = new Set(from.flatMap((n) => [n - 1, n, n + 1]));
    return [...near].flatMap((n) => (this.#sources.has(n) ? [textOf(this.#sources.get(n)!)] : [])).join('\n');
  }

  /** The numbers of the days on, before and after the sources were written, because a model turns 'yesterday' into a date. */
  days(from: readonly number[]): ReadonlySet<string> {
    const dates = from.flatMap((n) =>
      [-1, 0, 1].map((days) => new Date(this.#sources.get(n)!.at.getTime() + days * 86_400_000)),
    );
    return new Set(
      dates.flatMap((date) => {
        const year = date.getUTCFullYear();
        return [date.getUTCDate(), date.getUTCMonth() + 1, year - 1, year, year + 1].map(String);
      }),
    );
  }
}

function textOf({ text, by }: SummarySource): string {
  return `${by}: ${text}`;
}

const address = /(?:https?:\/\/|www\.)[^\s"'<>()]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/giu;
const month = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?';
/** A day beside its month, a day in ISO 8601, or a year. */
const date = new RegExp(
  `\\d{1,2}(?:st|nd|rd|th)?(?: of)? ${month}(?:,? \\d{4})?|${month} \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?|\\d{4}-\\d{2}-\\d{2}|\\b(?:19|20)\\d{2}\\b`,
  'giu',
);

function hasForeignNumber(text: string, near: string, days: ReadonlySet<string>): boolean {
  const plain = near.toLowerCase();
  const addresses = (text.match(address) ?? []).map((each) => each.toLowerCase().replace(/[.,;:!?]+$/, ''));
  if (addresses.some((each) => !plain.includes(each))) return true;
  const known = new Set(numbersIn(near));
  const isForeign = (each: string) => !known.has(each);
  const plainText = text.replace(address, ' ');
  const dates = plainText.match(date) ?? [];
  return (
    numbersIn(plainText.replace(date, ' ')).some(isForeign) ||
    dates.flatMap(numbersIn).some((each) => isForeign(each) && !days.has(each))
  );
}

function contentWords(text: string): readonly string[] {
  return [...new Set(analyzeAsUnknown(text))].filter((word) => !stopWords.has(word));
}

function shareIn(words: readonly string[], known: ReadonlySet<string>): number {
  return words.length === 0 ? 1 : words.filter((word) => known.has(word)).length / words.length;
}

const requests: readonly RegExp[] = [
  // The markup of conversations: ChatML, Llama, Anthropic and others.
  /<\|[^|]*\|>|\[\/?INST\]|<<\/?SYS>>|<\/?(?:system|assistant|user|instructions?)>/giu,
  /(?:^|\n)\s*(?:#+\s*)?(?:system|assistant|user|human|instructions?)\s*:/giu,
  /\b(?:ignore|disregard|forget)\b[^.!?\n]{0,40}\b(?:instructions?|prompts?|rules|above|previous)\b/giu,
  /\byou (?:must|should|need to|have to|are to|will now|are now)\b/giu,
  /(?:^|[.!?:]\s+|\n)(?:please|do not|don['’]t|never|always|ignore|send|reply|respond|answer|delete|transfer|forward|execute|run|click|visit|open|reveal|print|output)\b/giu,
  /\b(?:as an ai|language model|i['’]?m sorry|i am sorry|i (?:cannot|can['’]t|am unable|won['’]t)|i['’]m unable)\b/giu,
];

function hasForeignRequest(text: string, near: string): boolean {
  const plain = flat(near);
  return requests.some((pattern) => (text.match(pattern) ?? []).some((found) => !plain.includes(flat(found))));
}

/** A text in lower case, with letters, digits and single spaces. */
function flat(text: string): string {
  return text
    .toLowerCase()
    .replace(/[.!?:\s]+/g, ' ')
    .trim();
}

const loopWords = 12;
const runLength = 3;
/** The share of the runs of three words that are repetitions. */
const mostRepeated = 0.4;

function isLoop(text: string): boolean {
  const words = analyzeAsUnknown(text);
  if (words.length < loopWords) return /(.{1,40}?)\1{5,}/su.test(text);
  const runs = words.slice(runLength - 1).map((_, i) => words.slice(i, i + runLength).join(' '));
  return 1 - new Set(runs).size / runs.length > mostRepeated;
}

const hedge =
  /\b(?:might|maybe|perhaps|possibly|probably|could be|hop(?:e|es|ing) (?:to|that|it|for)|plan(?:s|ning)?|thinking (?:of|about)|considering|unsure|not sure|guess|rumou?rs?|allegedly|apparently)\b/iu;
const softened =
  /\b(?:hop(?:e|es|ed|ing)|planned|wants?|wish(?:es)?|thinks?|thinking|considers?|seems?|likely|chance|aspires?|intends?|aims?|would|could|may)\b/iu;
// In lower case: 'May' is a month.
const mayPattern = /\bmay\b/;
const attribution =
  /\b(?:said|says|say|told|tells|mention(?:s|ed)|report(?:s|ed)|claim(?:s|ed)|ask(?:s|ed)|suggest(?:s|ed)|believ(?:es|ed))\b/iu;

/** Whether the sentence that a fact takes its words from is a supposition, and the fact is none. */
function losesHedge(text: string, words: readonly string[], cited: string): boolean {
  if (hedge.test(text) || softened.test(text) || attribution.test(text)) return false;
  let best = { share: 0, sentence: '' };
  for (const sentence of sentencesOf(cited)) {
    const share = shareIn(words, new Set(analyzeAsUnknown(sentence)));
    if (share > best.share) best = { share, sentence };
  }
  return hedge.test(best.sentence) || mayPattern.test(best.sentence);
}
