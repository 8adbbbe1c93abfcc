import { stopWords } from '../stop-words';
import { ambiguousWords, functionWords, type Language } from './function-words';

/** The evidence for one language that a word gives as a bit in a number: see `evidenceOf`. English has the lowest bit. */
type Latin = (typeof latinLanguages)[number];
const latinLanguages = ['de', 'fr', 'es', 'it', 'pt', 'nl', 'sv', 'da', 'no', 'fi', 'tr', 'pl', 'ro', 'hu'] as const;
const english = 1;

/** Letters that only some languages have. English texts have them in names and in words of other languages only. */
const letters: readonly (readonly [RegExp, readonly Latin[]])[] = [
  [/ß/, ['de']],
  [/ä/, ['de', 'sv', 'fi']],
  [/ö/, ['de', 'sv', 'fi', 'tr', 'hu']],
  [/ü/, ['de', 'tr', 'hu']],
  [/[ğşıİ]/, ['tr']],
  [/ç/, ['fr', 'pt', 'tr']],
  [/[èêëîïôûùœ]/, ['fr']],
  [/[àìò]/, ['it']],
  [/[ñ¿¡]/, ['es']],
  [/[áíóú]/, ['es', 'pt']],
  [/[ãõ]/, ['pt']],
  [/é/, ['fr', 'es', 'pt']],
  [/å/, ['sv', 'da', 'no']],
  [/[øæ]/, ['da', 'no']],
  [/[łżźśćńąę]/, ['pl']],
  [/[ăâțș]/, ['ro']],
  [/[őű]/, ['hu']],
];
const letterShare = 0.5;
/** Endings that words of one language often have, in ASCII letters, and seldom words of English. */
const endings: readonly (readonly [RegExp, Latin])[] = [
  [/.(?:ungen|(?<=....)ung|keit|heit|lich|schaft)$/, 'de'],
  [/.(?:ciones|cion|idad|amiento)$/, 'es'],
  [/.(?:zione|zioni|aggio|iamo)$/, 'it'],
  [/.(?:cao|coes|agem)$/, 'pt'],
  [/.(?:heid|lijk|lijke|tje)$/, 'nl'],
  [/.(?:aa|uu|yy|ii|ssa|lla|sta|lta|lle|ksi|vat|mme)$/, 'fi'],
  [/.(?:iyor|lari|leri|larin|lerin|inda|unda|mak|mek)$/, 'tr'],
  [/sz|cz|rz|ego$|owy|owa$/, 'pl'],
];
const endingShare = 0.25;
const minEndingLength = 5;
/** The least evidence: a common word, a letter, or two endings. */
const minScore = 0.5;

const latinWord = /(?:(?!ª|º)[\p{Script=Latin}\p{M}])+/gu;
const beyondAscii = /[^\0-\x7f]/;
const allLatin = /^[\p{Script=Latin}\p{Script=Inherited}]+$/u;
const allCyrillic = /^[\p{Script=Cyrillic}\p{Script=Inherited}]+$/u;
const allArabic = /^[\p{Script=Arabic}\p{Script=Inherited}\u0640]+$/u;
const allDevanagari = /^[\p{Script=Devanagari}\p{Script=Inherited}]+$/u;
const ukrainian = /[іїєґ]/i;
const blanks = /\s+/;

/** The languages in which a word is common, as bits. English has the lowest. */
const evidence = evidenceByWord();
/** The same of words that are also rarer words of English, which tell less. */
const weakEvidence = weakEvidenceByWord();

/** The words that a query in each language leaves out, in lower case with accents. */
const stopWordsBy = new Map<Language, ReadonlySet<string>>(
  (Object.keys(functionWords) as Language[]).map((language) => [language, new Set(wordsIn(functionWords[language]))]),
);

/** Returns 1 if a word of ASCII letters in lower case is common in English only, 2 if it may tell another language, and otherwise 0. */
export function evidenceOf(word: string): 0 | 1 | 2 {
  const bits = evidence.get(word);
  if (bits === english) return 1;
  if (bits !== undefined || weakEvidence.has(word)) return 2;
  return word.length >= minEndingLength && endings.some(([ending]) => ending.test(word)) ? 2 : 0;
}

/** The languages of a text: those of its words in each script. */
export interface TextLanguages {
  /** At most two, and none if the Latin words are English, or if nothing tells. */
  readonly latin: readonly Language[];
  readonly cyrillic: readonly Language[];
  readonly arabic: readonly Language[];
  readonly devanagari: readonly Language[];
  /** Equal for equal languages. */
  readonly key: string;
}

/** Stands for languages that are not looked for. */
export const unknownLanguages: TextLanguages = { latin: [], cyrillic: [], arabic: [], devanagari: [], key: '' };

/**
 * Finds the languages of a text from its commonest words, and from letters and endings that only some languages have.
 *
 * @param isShort For queries, which may have one word: a single ending is enough.
 */
export function languagesOf(text: string, isShort = false): TextLanguages {
  const latin = latinLanguagesOf(text, isShort ? endingShare : minScore);
  const cyrillic: Language = ukrainian.test(text) ? 'uk' : 'ru';
  return { latin, cyrillic: [cyrillic], arabic: ['ar'], devanagari: ['hi'], key: `${latin.join()} ${cyrillic} ` };
}

/** Returns the languages of a word of letters. */
export function languagesOfWord(word: string, text: TextLanguages): readonly Language[] {
  if (allLatin.test(word)) return text.latin;
  if (allCyrillic.test(word)) return text.cyrillic;
  if (allArabic.test(word)) return text.arabic;
  return allDevanagari.test(word) ? text.devanagari : [];
}

/** The beginning of a long text tells its language. A word of megabytes would also exceed the stack of the regular expression. */
const maxRead = 2 ** 16;

function latinLanguagesOf(text: string, least: number): readonly Language[] {
  const scores = new Float64Array(latinLanguages.length);
  let englishScore = 0;
  for (const [word] of text.slice(0, maxRead).toLowerCase().matchAll(latinWord)) {
    const bits = evidence.get(word) ?? 0;
    const weakBits = weakEvidence.get(word);
    if (weakBits !== undefined) addTo(scores, weakBits, endingShare);
    else if (bits === english) englishScore++;
    else if (bits !== 0) addTo(scores, bits, 1);
    else addShares(scores, word);
  }
  const best = Math.max(...scores);
  if (best < least) return [];
  // Two languages that are alike, such as Danish and Norwegian, may have the same words.
  return best > englishScore ? latinLanguages.filter((_, i) => scores[i] === best).slice(0, 2) : [];
}

/** Whether a word in lower case is so common in a language that it carries no meaning in a query. */
export function isStopWord(word: string, language: Language): boolean {
  return stopWordsBy.get(language)?.has(word) === true;
}

function addTo(scores: Float64Array, bits: number, share: number): void {
  for (let i = 0; i < scores.length; i++) if ((bits & (2 << i)) !== 0) scores[i] = scores[i]! + share;
}

/** Adds what the letters and the ending of a word tell. */
function addShares(scores: Float64Array, word: string): void {
  if (beyondAscii.test(word)) {
    for (const [letter, languages] of letters)
      if (letter.test(word)) for (const language of languages) addTo(scores, bitOf(language), letterShare);
  }
  if (word.length >= minEndingLength)
    for (const [ending, language] of endings) if (ending.test(word)) addTo(scores, bitOf(language), endingShare);
}

function bitOf(language: Latin): number {
  return 2 << latinLanguages.indexOf(language);
}

function evidenceByWord(): Map<string, number> {
  const found = new Map<string, number>();
  for (const word of stopWords) found.set(word, english);
  for (const [i, language] of latinLanguages.entries())
    for (const word of wordsIn(functionWords[language])) found.set(word, (found.get(word) ?? 0) | (2 << i));
  // Words that English shares with another language say nothing about the language.
  for (const [word, bits] of found) if ((bits & english) !== 0 && bits !== english) found.delete(word);
  return found;
}

/** Takes the ambiguous words out of the evidence. */
function weakEvidenceByWord(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const word of wordsIn(ambiguousWords)) {
    const bits = evidence.get(word);
    if (bits !== undefined && bits !== english && word.length > 1) found.set(word, bits);
    evidence.delete(word);
  }
  return found;
}

function wordsIn(list: string): string[] {
  return list.split(blanks).filter((word) => word !== '');
}
