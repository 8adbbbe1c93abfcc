import { stemmer } from 'stemmer';
import { AsciiWords } from './ascii-words';
import { stopWords } from './stop-words';

/**
 * The version of the analyzer. Change it whenever the same text may give other tokens: texts that were indexed earlier are then
 * indexed again. It contains the Unicode version of the runtime, which decides about character classes, case and normalisation.
 */
export const analyzerVersion = `1 unicode ${process.versions.unicode}`;

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
const ascii = /^[\0-\x7f]*$/;
const asciiRun = /[a-z0-9]+(?:[-_][a-z0-9]+)*/g;
const run = /[\p{L}\p{N}\p{M}]+(?:[-_\u2010][\p{L}\p{N}\p{M}]+)*|\p{Extended_Pictographic}|\p{RI}{2}/gu;
const joiner = /[-_\u2010]/;
const digit = /\p{N}/u;

// Punctuation that is common in English typed on a phone or in an office program. After it is replaced, most such texts are ASCII,
// which is faster.
const typographicPunctuation = /[\u00a0\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026]/g;
// Symbols such as № get spaces around them. Without the spaces, NFKC would join them with their neighbours: №4417 would be one word.
const letterlikeSymbol = /(?!\p{RI})\p{So}/gu;

// Marks that several scripts share are accents, points and variation selectors, which are removed. Marks that belong to one script,
// such as vowel signs, are part of its words. The voicing marks of kana are shared but kept, because they change the sound. Soft
// hyphen and tatweel are removed, because they only change the appearance.
const removedMark = /(?![\u3099\u309a])(?=\p{M})\p{Script=Inherited}|[\u0591-\u05c7\u00ad\u0640]/gu;
// Letters that the normalisation of Unicode does not change.
const foldedLetters: ReadonlyMap<string, string> = new Map([
  ['ς', 'σ'],
  ['ø', 'o'],
  ['ł', 'l'],
  ['đ', 'd'],
  ['æ', 'ae'],
  ['œ', 'oe'],
]);
const foldedLetter = /[ςøłđæœ]/g;

// Scripts without spaces between words, and Korean, in which a particle follows its noun without a space.
const spaceless =
  /([\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]+)/u;
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
  // Most runs are one English word, for which this is much faster and gives the same.
  if (latinWord.test(run)) return stemmer(run);
  const tokens = wordsOf(run).map(stem);
  return tokens.length === 1 ? tokens[0]! : tokens;
}

function stem(word: string): string {
  return latinWord.test(word) ? stemmer(word) : word;
}

/**
 * Splits a text into runs, in order. A run is a sequence of letters, digits and marks, which may contain single hyphens or
 * underscores, or it is one emoji. Runs are normalised for comparison: compatible forms are unified (NFKC), and case and accents are
 * removed.
 */
function runsOf(text: string): string[] {
  const plain = ascii.test(text) ? text : withPlainPunctuation(text);
  return (ascii.test(plain) ? plain.toLowerCase().match(asciiRun) : fold(plain).match(run)) ?? [];
}

function withPlainPunctuation(text: string): string {
  return text.replace(typographicPunctuation, ' ');
}

function fold(text: string): string {
  // Converts to upper case first, which unifies letters that differ in lower case: ß and ss, ſ and s, ı and i.
  return text
    .replace(letterlikeSymbol, ' $& ')
    .normalize('NFKD')
    .replace(removedMark, '')
    .toUpperCase()
    .toLowerCase()
    .replace(foldedLetter, (letter) => foldedLetters.get(letter) ?? letter)
    .normalize('NFKC');
}

/**
 * Splits a run into words, each at most 64 UTF-16 units long.
 *
 * - A run with hyphens or underscores gives each of its parts. If it contains a digit, it also gives the joined parts: `a-1182`
 *   gives `a`, `1182` and `a1182`.
 * - Text in Han, Kana, Hangul, Thai, Lao, Khmer or Myanmar gives every pair of neighbouring characters, and every single Han
 *   character. So any two neighbouring characters find the text without a dictionary. For Chinese, pairs work as well as segmented
 *   words: Nie, Gao, Zhang, Zhou, 'On the use of words and n-grams for Chinese information retrieval', IRAL 2000.
 */
function wordsOf(text: string): string[] {
  const parts = text.split(joiner);
  const whole = parts.length > 1 ? parts.join('') : '';
  const words = parts.flatMap((part) => (spaceless.test(part) ? splitSpaceless(part) : [cut(part)]));
  if (digit.test(whole) && whole.length <= maxWordLength) words.push(whole);
  return words;
}

function splitSpaceless(part: string): string[] {
  const found: string[] = [];
  for (const [i, piece] of part.split(spaceless).entries()) {
    if (i % 2 === 1) pushPairs([...piece], found);
    else if (piece !== '') found.push(cut(piece));
  }
  return found;
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
