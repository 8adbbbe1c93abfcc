import { AsciiWords } from './ascii-words';
import { run, splitRun } from './compounds';
import {
  evidenceOf,
  isStopWord,
  languagesOf,
  languagesOfWord,
  type TextLanguages,
  unknownLanguages,
} from './languages/language';
import { fold, normalize, spaceless, withPlainPunctuation } from './letters';
import { stopWords } from './stop-words';
import { isNet, stemOfEnglish, wordForms } from './word-forms';

/**
 * The version of the analyzer. Change it whenever the same text may give other tokens: texts that were indexed earlier are then
 * indexed again. It contains the Unicode version of the runtime, which decides about character classes, case and normalisation.
 */
export const analyzerVersion = `3 unicode ${process.versions.unicode}`;

/** Longer words are cut, in UTF-16 units. They are rarely searched in full, and the index would store each of them. */
const maxWordLength = 64;

// The largest number of terms. It limits the work if a query is a pasted document.
const maxQueryTerms = 64;

const han = /\p{scx=Han}/u;

type Tokens = string | readonly string[];

/**
 * The tokens of recent runs (see `runsOf`) that are not words of ASCII texts, which `AsciiWords` remembers. Texts repeat their runs. When the
 * newer map is full, it becomes the older one, so that frequent words stay cached even if a store has more words than fit.
 */
let cachedTokens = new Map<string, Tokens>();
let cachedBefore = new Map<string, Tokens>();
const maxCachedRuns = 20_000;
const maxCachedRunLength = 64;

const asciiWords = new AsciiWords({
  ofWord: (word) => stemOfEnglish(cut(word)),
  ofRun: (run) => tokensOf(run, unknownLanguages),
  evidenceOf,
});

/**
 * Splits a text into its tokens, in order and with repetitions. Texts and queries are treated in the same way. English words are
 * reduced to their stems (Porter, 'An algorithm for suffix stripping', 1980). So is every other word, and if the language of the text is known
 * to the analyzer, its stem in that language is one more token: then texts and queries meet also if the language of one of them was not found.
 *
 * A token has 1 to 64 UTF-16 units: lower-case ASCII letters, ASCII digits and characters beyond ASCII. It is well-formed Unicode.
 */
export function analyze(text: string): string[] {
  const plain = asciiWords.analyze(text) ?? asciiWords.analyze(withPlainPunctuation(text));
  if (plain !== undefined && plain !== 'foreign') return plain;
  const normal = normalize(withPlainPunctuation(text));
  return tokensIn(normal, languagesOf(normal));
}

/** Returns the tokens of a text as if its language were not known. For comparing words of texts that may be too short to tell their language. */
export function analyzeAsUnknown(text: string): string[] {
  const plain = asciiWords.analyze(text, true) ?? asciiWords.analyze(withPlainPunctuation(text), true);
  if (plain !== undefined && plain !== 'foreign') return plain;
  return tokensIn(normalize(withPlainPunctuation(text)), unknownLanguages);
}

/**
 * Returns the search terms of a query: its different tokens in order, at most 64. Stop words of English and of the language of the query are
 * left out, unless the query contains only stop words. The result is empty if the query has no letters, digits or emoji.
 */
export function analyzeQuery(query: string): string[] {
  const normal = normalize(withPlainPunctuation(query));
  const languages = languagesOf(normal, true);
  const parts = runsOf(normal).flatMap(splitRun);
  const meaningful = parts.filter((part) => !isStopPart(part, languages));
  const terms = (meaningful.length > 0 ? meaningful : parts).flatMap((part) => tokensOfPart(part, languages));
  return [...new Set(terms)].sort((a, b) => Number(isNet(a)) - Number(isNet(b))).slice(0, maxQueryTerms);
}

function tokensIn(normal: string, languages: TextLanguages): string[] {
  const tokens: string[] = [];
  for (const each of runsOf(normal)) {
    const found = tokensOf(each, languages);
    if (typeof found === 'string') tokens.push(found);
    else for (const token of found) tokens.push(token);
  }
  return tokens;
}

function isStopPart(part: string, languages: TextLanguages): boolean {
  const lower = part.toLowerCase();
  return stopWords.has(lower) || languagesOfWord(part, languages).some((language) => isStopWord(lower, language));
}

function tokensOf(run: string, languages: TextLanguages): Tokens {
  const key = languages.key + run;
  const cached = cachedTokens.get(key);
  if (cached !== undefined) return cached;
  if (run.length > maxCachedRunLength) return newTokensOf(run, languages);
  // Caches a copy, because a run may be a view that keeps the whole text in memory.
  const copy = Buffer.from(key).toString();
  const found = cachedBefore.get(copy) ?? newTokensOf(run, languages);
  if (cachedTokens.size >= maxCachedRuns) {
    cachedBefore = cachedTokens;
    cachedTokens = new Map();
  }
  cachedTokens.set(copy, found);
  return found;
}

function newTokensOf(run: string, languages: TextLanguages): Tokens {
  const tokens = splitRun(run).flatMap((part) => tokensOfPart(part, languages));
  return tokens.length === 1 ? tokens[0]! : tokens;
}

/** Returns the runs of a text (see `splitRun`) and its emoji, in order. Case and accents stay. */
function runsOf(normal: string): string[] {
  return normal.match(run) ?? [];
}

/** Returns the tokens of one part of a run (see `splitRun`), folded, and each at most 64 UTF-16 units long. */
function tokensOfPart(part: string, languages: TextLanguages): string[] {
  const word = fold(part);
  // Nothing is left of a run of marks.
  if (word === '') return [];
  if (spaceless.test(word)) return pairsOf([...word]);
  return wordForms(part, cut(word), languages).map(cut);
}

/**
 * Splits a text in Han, Kana, Hangul, Thai, Lao, Khmer or Myanmar into every pair of neighbouring characters, and every single Han
 * character. So any two neighbouring characters find the text without a dictionary. For Chinese, pairs work as well as segmented
 * words: Nie, Gao, Zhang, Zhou, 'On the use of words and n-grams for Chinese information retrieval', IRAL 2000.
 */
function pairsOf(characters: readonly string[]): string[] {
  const found: string[] = [];
  for (const [i, character] of characters.entries()) {
    const next = characters[i + 1];
    if (characters.length === 1 || han.test(character)) found.push(character);
    if (next !== undefined) found.push(character + next);
  }
  return found;
}

function cut(word: string): string {
  if (word.length <= maxWordLength) return word;
  // Never cuts between the halves of a surrogate pair.
  const end = (word.codePointAt(maxWordLength - 1) ?? 0) > 0xffff ? maxWordLength - 1 : maxWordLength;
  return word.slice(0, end);
}
