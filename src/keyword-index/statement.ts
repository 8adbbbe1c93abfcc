import { analyzeAsUnknown } from './analyzer';
import { capitalizedIn, namesIn, negationsIn, negationWordsIn, numbersIn } from './stated-words';
import { stopWords } from './stop-words';

/**
 * How the second of two texts relates to the first.
 *
 * - 'equal': the same text, apart from white space, capital letters at its beginning and full stops at its end.
 * - 'same': the same content words.
 * - 'more' and 'less': it adds words, or leaves some out, and contradicts nothing.
 */
export type StatementRelation = 'equal' | 'same' | 'more' | 'less';

/** How two texts contradict each other: in which kind of word, and in which words as they stand in each of them. */
export interface StatementDifference {
  readonly kind: 'number' | 'name' | 'value' | 'negation';
  readonly own: readonly string[];
  readonly others: readonly string[];
}

/** Two texts that say the same have vectors with at least this cosine. Equal texts need none. */
export const leastCosine = 0.85;
/** A longer text states so much that only an equal one says the same. */
export const maxStatementLength = 1_000;
// Two texts that say the same share the numbers and most of the longest words. Fewer words would bring many texts that only share a topic.
const maxSearchWords = 6;
const leastShared = 2 / 3;
// Texts with more different words are about different things.
const maxDifferentWords = 3;

/** The small words that change what a text says. All other stop words are ignored. */
const contrasts = 'before after above below up down out off over under against until more most few only should can';
const ignored: ReadonlySet<string> = withoutAll(stemsOf([...stopWords].join(' ')), stemsOf(contrasts));

// Vectors do not tell a synonym from its opposite: 'left' and 'right' are nearer to each other than 'likes' and 'prefers'. So only these
// words may stand for each other.
const synonyms: ReadonlyMap<string, string> = new Map(
  [
    'prefer prefers preferred preference preferences like likes love loves want wants enjoy enjoys favour favours favor favors',
    'favourite favorite',
    'use uses using utilise utilises utilize utilizes',
    'live lives reside resides',
    'colour colours color colors',
    'answer answers reply replies response responses respond responds',
    'begin begins start starts',
    'buy buys purchase purchases',
    'phone telephone',
    'email mail emails mails',
    'metre metres meter meters',
    'picture pictures photo photos image images',
  ].flatMap((group) => {
    const [first = '', ...rest] = [...stemsOf(group)];
    return rest.map((word): [string, string] => [word, first]);
  }),
);

/** Small words of which two texts may not have different ones: who is meant, and when. */
const markers: readonly (readonly RegExp[])[] = [
  [/(?<!\p{L})(?:i|my|me|mine|we|our|us)(?!\p{L})/iu, /(?<!\p{L})(?:you|your|yours)(?!\p{L})/iu],
  [/(?<!\p{L})(?:he|his|him)(?!\p{L})/iu, /(?<!\p{L})(?:she|her|hers)(?!\p{L})/iu],
  [
    /(?<!\p{L})(?:was|were|had|did)(?!\p{L})/iu,
    /(?<!\p{L})(?:is|are|am|has|does|do)(?!\p{L})/iu,
    /(?<!\p{L})(?:will|shall)(?!\p{L})/iu,
  ],
];

/**
 * What a text states, for finding out whether others state the same. Two texts that differ in a number, a name, a negation or a content
 * word never do, however near their vectors are. One text may add words to the other, such as 'in the editor'.
 */
export class Statement {
  readonly text: string;
  #parsed: ParsedStatement | undefined;
  #searchWords: readonly string[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The words by which others that say the same are found: numbers first, then the longest. They depend on the text alone. */
  get searchWords(): readonly string[] {
    this.#searchWords ??= searchWordsOf(this.text);
    return this.#searchWords;
  }

  /** So many of the `searchWords` are in a text that says the same. */
  get leastSearchWords(): number {
    return Math.min(this.searchWords.length, Math.max(2, Math.ceil(this.searchWords.length * leastShared)));
  }

  /**
   * Compares what another text states. Undefined if it states something else. For any other relation than 'equal', the cosine of
   * the two vectors must be `leastCosine`, too.
   */
  relationTo(other: Statement): StatementRelation | undefined {
    if (normalText(this.text) === normalText(other.text)) return 'equal';
    if (Math.max(this.text.length, other.text.length) > maxStatementLength) return undefined;
    const [own, others] = [this.#parse(), other.#parse()];
    if (own.words.length < 2 || others.words.length < 2) return undefined;
    if (own.numbers !== others.numbers || own.negations !== others.negations) return undefined;
    if (!hasAll(others.all, own.names) || !hasAll(own.all, others.names)) return undefined;
    if (!areMarkersAlike(own.markers, others.markers)) return undefined;
    const added = others.words.some((word) => !own.set.has(word));
    const missing = own.words.some((word) => !others.set.has(word));
    if (added && missing) return undefined;
    if (isReordered(own, others) || isSwapped(own.words, others.words)) return undefined;
    return added ? 'more' : missing ? 'less' : 'same';
  }

  /** Whether this text has enough of the words by which others that say the same as another text are found. */
  hasSearchWordsOf(other: Statement): boolean {
    const { all } = this.#parse();
    return other.searchWords.filter((word) => all.has(word)).length >= other.leastSearchWords;
  }

  /** What two texts say differently about one subject. Undefined if they say the same, or are about different subjects. */
  differenceFrom(other: Statement): StatementDifference | undefined {
    if (Math.max(this.text.length, other.text.length) > maxStatementLength) return undefined;
    const [own, others] = [this.#parse(), other.#parse()];
    if (!areMarkersAlike(own.markers, others.markers)) return undefined;
    const [added, missing] = [without(own.words, others.set), without(others.words, own.set)];
    if (own.negations !== others.negations) return negationOf(this.text, other.text, [added, missing], own.set.size);
    const shared = own.set.size - added.length;
    const isWide = Math.max(added.length, missing.length) > maxDifferentWords;
    if (isWide || added.length === 0 || missing.length === 0) return undefined;
    if (shared * 2 < Math.max(own.set.size, others.set.size)) return undefined;
    if (!haveOneSubject(this.text, other.text, [own, others], shared)) return undefined;
    return {
      kind: kindOf([...added, ...missing], namesOfBoth(this.text, other.text)),
      own: wordsAsWritten(this.text, new Set(added)),
      others: wordsAsWritten(other.text, new Set(missing)),
    };
  }

  #parse(): ParsedStatement {
    this.#parsed ??= parsed(this.text);
    return this.#parsed;
  }
}

function searchWordsOf(text: string): readonly string[] {
  const rank = (word: string) => (/\p{N}/u.test(word) ? 100 : 0) + word.length;
  const all = [...new Set(analyzeAsUnknown(text))];
  const content = all.filter((word) => !ignored.has(word));
  const words = content.length === 0 ? all : content;
  return words.sort((a, b) => rank(b) - rank(a) || (a < b ? -1 : 1)).slice(0, maxSearchWords);
}

interface ParsedStatement {
  readonly numbers: string;
  readonly negations: number;
  readonly names: readonly string[];
  /** Every word, without repetitions. */
  readonly all: ReadonlySet<string>;
  /** The content words in their order, without repetitions. Of synonyms, the first of their group. */
  readonly words: readonly string[];
  readonly set: ReadonlySet<string>;
  /** The numbers in their order. */
  readonly sequence: readonly string[];
  readonly markers: readonly string[];
}

function parsed(text: string): ParsedStatement {
  const all = new Set(analyzeAsUnknown(text));
  const set = new Set([...all].filter((word) => !ignored.has(word)).map((word) => synonyms.get(word) ?? word));
  const sequence = numbersIn(text);
  return {
    numbers: [...new Set(sequence)].sort().join(' '),
    negations: negationsIn(text),
    names: capitalizedIn(text),
    all,
    words: [...set],
    set,
    sequence,
    markers: markers.map((kind) => kind.map((marker) => (marker.test(text) ? '1' : '0')).join('')),
  };
}

/** A text as it is compared with others for being equal: without differences in white space, the first letter and the last full stop. */
export function normalText(text: string): string {
  const spaced = text.normalize('NFC').trim().replace(/\s+/gu, ' ');
  let end = spaced.length;
  while (end > 0 && ends.has(spaced.charAt(end - 1))) end--;
  const stripped = end === 0 ? spaced : spaced.slice(0, end);
  return stripped.slice(0, 1).toLowerCase() + stripped.slice(1);
}

const ends: ReadonlySet<string> = new Set(['.', '!', '。']);

function hasAll(words: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return wanted.every((word) => words.has(word));
}

function areMarkersAlike(own: readonly string[], others: readonly string[]): boolean {
  return own.every((mine, i) => mine === others[i] || !mine.includes('1') || !others[i]?.includes('1'));
}

/** Whether the numbers or the names of two texts come in another order: from Oslo to Bergen is not from Bergen to Oslo. */
function isReordered(own: ParsedStatement, others: ParsedStatement): boolean {
  if (own.sequence.join(' ') !== others.sequence.join(' ')) return true;
  const names = new Set([...own.names, ...others.names]);
  const [mine, theirs] = [own, others].map(({ words }) => words.filter((word) => names.has(word)).join(' '));
  return mine !== theirs;
}

/** Whether what stands on both sides of a word changes places: 'the worker calls the server', 'the server calls the worker'. */
function isSwapped(own: readonly string[], others: readonly string[]): boolean {
  const shared = new Set(others.filter((word) => own.includes(word)));
  const [mine, theirs] = [own, others].map((words) => words.filter((word) => shared.has(word))) as [string[], string[]];
  return mine.some((word, i) => {
    const at = theirs.indexOf(word);
    if (i === 0 || at === 0 || i === mine.length - 1 || mine.length - 1 - i !== at) return false;
    const before = new Set(mine.slice(0, i));
    return theirs.slice(at + 1).every((each) => before.has(each));
  });
}

/** What two texts say differently if one negates what the other says. Undefined if they differ in other words, too. */
function negationOf(
  text: string,
  other: string,
  [added, missing]: readonly [readonly string[], readonly string[]],
  size: number,
): StatementDifference | undefined {
  const [own, others] = [negationWordsIn(text), negationWordsIn(other)];
  if (own.length > 0 && others.length > 0) return undefined;
  const negating = stemsOf([...own, ...others].join(' '));
  const [more, less] = [without(added, negating), without(missing, negating)];
  const shared = size - added.length;
  if (shared < 2 || more.length + less.length > 1) return undefined;
  return { kind: 'negation', own, others };
}

const copula = /(?<!\p{L})(?:is|are|was|were|has|have|had|will|must|should|ist|sind|hat|est|sont|es|está)(?!\p{L})/iu;

/**
 * Whether two texts are about one thing. What stands before 'is' and the like is the subject: 'Ticket 12 is closed' is about another one than
 * 'Ticket 13 is closed'. Without such a word the first content word is.
 */
function haveOneSubject(
  text: string,
  other: string,
  [own, others]: readonly [ParsedStatement, ParsedStatement],
  shared: number,
): boolean {
  const [at, otherAt] = [text.search(copula), other.search(copula)];
  if (at > 0 && otherAt > 0) {
    const [subject, otherSubject] = [parsed(text.slice(0, at)), parsed(other.slice(0, otherAt))];
    const differ =
      without(subject.words, otherSubject.set).length > 0 && without(otherSubject.words, subject.set).length > 0;
    return !differ && subject.set.size > 0 && otherSubject.set.size > 0;
  }
  const [first = '', otherFirst = ''] = [own.words[0], others.words[0]];
  return shared >= 2 && others.set.has(first) && own.set.has(otherFirst);
}

function kindOf(words: readonly string[], names: ReadonlySet<string>): StatementDifference['kind'] {
  if (words.every((word) => /\p{N}/u.test(word))) return 'number';
  return words.some((word) => names.has(word)) ? 'name' : 'value';
}

function namesOfBoth(text: string, other: string): ReadonlySet<string> {
  return new Set([...namesIn(text), ...namesIn(other)]);
}

/** The words of a text whose stems are wanted, as they stand there. */
function wordsAsWritten(text: string, wanted: ReadonlySet<string>): readonly string[] {
  const written = text.match(/[\p{L}\p{N}\p{M}]+(?:[.,:'’\-/@_][\p{L}\p{N}\p{M}]+)*/gu) ?? [];
  const isWanted = (word: string) => analyzeAsUnknown(word).some((stem) => wanted.has(synonyms.get(stem) ?? stem));
  return [...new Set(written.filter(isWanted))];
}

function without(words: readonly string[], others: ReadonlySet<string>): readonly string[] {
  return words.filter((word) => !others.has(word));
}

function stemsOf(words: string): ReadonlySet<string> {
  return new Set(analyzeAsUnknown(words));
}

function withoutAll(words: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...words].filter((word) => !others.has(word)));
}
