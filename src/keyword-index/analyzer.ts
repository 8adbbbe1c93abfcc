import { stemmer } from 'stemmer';
import { AsciiWords } from './ascii-words';
import { run, splitRun } from './compounds';
import { fold, normalize, spaceless, withPlainPunctuation } from './letters';
import { stopWords } from './stop-words';

/**
 * The version of the analyzer. Change it whenever the same text may give other tokens: texts that were indexed earlier are then
 * indexed again. It contains the Unicode version of the runtime, which decides about character classes, case and normalisation.
 */
export const analyzerVersion = `2 unicode ${process.versions.unicode}`;

/** Longer words are cut, in UTF-16 units. They are rarely searched in full, and the index would store each of them. */
const maxWordLength = 64;

// The largest number of terms. It limits the work if a query is a pasted document.
const maxQueryTerms = 64;

type Tokens = string | readonly string[];

/**
 * The tokens of recent runs (see `runsOf`) that are not words of ASCII texts, which `AsciiWords` remembers. Texts repeat their runs. When the
 * newer map is full, it becomes the older one, so that frequent words stay cached even if a store has more words than fit.
 */
let cachedTokens = new Map<string, Tokens>();
let cachedBefore = new Map<string, Tokens>();
const maxCachedRuns = 20_000;
const maxCachedRunLength = 64;

const asciiWords = new AsciiWords({ ofWord: (word) => stem(cut(word)), ofRun: tokensOf });

const latinWord = /^[a-z]+$/;
const umlaut = /[\u00e4\u00f6\u00fc]/i;
const umlauts = /[\u00e4\u00f6\u00fc]/gi;

const han = /\p{scx=Han}/u;

/**
 * Splits a text into its tokens, in order and with repetitions. Texts and queries are treated in the same way. English words are
 * reduced to their stems (Porter, 'An algorithm for suffix stripping', 1980).
 *
 * A token has 1 to 64 UTF-16 units: lower-case ASCII letters, ASCII digits and characters beyond ASCII. It is well-formed Unicode.
 */
export function analyze(text: string): string[] {
  const plain = asciiWords.analyze(text) ?? asciiWords.analyze(withPlainPunctuation(text));
  if (plain !== undefined) return plain;
  const tokens: string[] = [];
  for (const each of runsOf(text)) {
    const found = tokensOf(each);
    if (typeof found === 'string') tokens.push(found);
    else for (const token of found) tokens.push(token);
  }
  return tokens;
}

/**
 * Returns the search terms of a query: its different tokens in order, at most 64. English stop words are left out, unless the query
 * contains only stop words. The result is empty if the query has no letters, digits or emoji.
 */
export function analyzeQuery(query: string): string[] {
  const words = runsOf(query).flatMap(wordsOf);
  const meaningful = words.filter((word) => !stopWords.has(word));
  return [...new Set((meaningful.length > 0 ? meaningful : words).map(stem))].slice(0, maxQueryTerms);
}

function tokensOf(text: string): Tokens {
  const cached = cachedTokens.get(text);
  if (cached !== undefined) return cached;
  if (text.length > maxCachedRunLength) return wordsOf(text).map(stem);
  // Caches a copy, because a run may be a view that keeps the whole text in memory.
  const copy = Buffer.from(text).toString();
  const found = cachedBefore.get(copy) ?? newTokensOf(copy);
  if (cachedTokens.size >= maxCachedRuns) {
    cachedBefore = cachedTokens;
    cachedTokens = new Map();
  }
  cachedTokens.set(copy, found);
  return found;
}

function newTokensOf(run: string): Tokens {
  const tokens = wordsOf(run).map(stem);
  return tokens.length === 1 ? tokens[0]! : tokens;
}

function stem(word: string): string {
  return latinWord.test(word) ? stemmer(word) : word;
}

/** Returns the runs of a text (see `splitRun`) and its emoji, in order. Case and accents stay. */
function runsOf(text: string): string[] {
  return normalize(withPlainPunctuation(text)).match(run) ?? [];
}

/**
 * Splits a run into words for the index, each folded and at most 64 UTF-16 units long.
 *
 * - A run of several parts gives the parts and the whole: see `splitRun`.
 * - A word with ä, ö or ü also gives its spelling with ae, oe or ue.
 * - Text in Han, Kana, Hangul, Thai, Lao, Khmer or Myanmar gives every pair of neighbouring characters, and every single Han
 *   character. So any two neighbouring characters find the text without a dictionary. For Chinese, pairs work as well as segmented
 *   words: Nie, Gao, Zhang, Zhou, 'On the use of words and n-grams for Chinese information retrieval', IRAL 2000.
 */
function wordsOf(run: string): string[] {
  const words: string[] = [];
  for (const part of splitRun(run)) {
    const word = fold(part);
    if (spaceless.test(word)) pushPairs([...word], words);
    // Nothing is left of a run of marks.
    else if (word !== '') words.push(cut(word));
    if (umlaut.test(part)) words.push(cut(fold(part.replace(umlauts, '$&e'))));
  }
  return words;
}

function pushPairs(characters: readonly string[], found: string[]): void {
  for (const [i, character] of characters.entries()) {
    const next = characters[i + 1];
    if (characters.length === 1 || han.test(character)) found.push(character);
    if (next !== undefined) found.push(character + next);
  }
}

function cut(word: string): string {
  if (word.length <= maxWordLength) return word;
  // Never cuts between the halves of a surrogate pair.
  const end = (word.codePointAt(maxWordLength - 1) ?? 0) > 0xffff ? maxWordLength - 1 : maxWordLength;
  return word.slice(0, end);
}
