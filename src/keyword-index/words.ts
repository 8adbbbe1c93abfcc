/** Longer words are cut: nobody asks for them whole, and FTS5 keeps every term it is given. In UTF-16 units. */
const longestWord = 64;

const ascii = /^[\0-\x7f]*$/;
const asciiRun = /[a-z0-9]+(?:[-_][a-z0-9]+)*/g;
const run = /[\p{L}\p{N}\p{M}]+(?:[-_\u2010][\p{L}\p{N}\p{M}]+)*|\p{Extended_Pictographic}|\p{RI}{2}/gu;
const joiner = /[-_\u2010]/;
const digit = /\p{N}/u;

// Common in English typed on a phone or in an office program. With it out of the way most such texts are ASCII, and quick.
const typographicPunctuation = /[\u00a0\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026]/g;
// Unified by NFKC they would grow together with their neighbours: №4417 would be one word.
const letterlikeSymbol = /(?!\p{RI})\p{So}/gu;

// Marks shared between scripts are accents, points and selectors; marks of one script (vowel signs, for one) are part of its
// words. Kana's voicing marks are shared but make another sound. Soft hyphen and tatweel only change how a word looks.
const foldedAway = /(?![\u3099\u309a])(?=\p{M})\p{Script=Inherited}|[\u0591-\u05c7\u00ad\u0640]/gu;
const undecomposed: ReadonlyMap<string, string> = new Map([
  ['ς', 'σ'],
  ['ø', 'o'],
  ['ł', 'l'],
  ['đ', 'd'],
  ['æ', 'ae'],
  ['œ', 'oe'],
]);
const undecomposedLetter = /[ςøłđæœ]/g;

// Scripts that are written without spaces, and Korean, whose spaces keep a noun and its particles together.
const spaceless =
  /([\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]+)/u;
const han = /\p{scx=Han}/u;

/**
 * The runs of a text in their order: letters, digits and marks, also joined by single hyphens or underscores, or one emoji. They
 * stand in the form in which words compare: compatibility forms unified (NFKC), without case and without accents.
 */
export function runs(text: string): string[] {
  const plain = ascii.test(text) ? text : text.replace(typographicPunctuation, ' ');
  return (ascii.test(plain) ? plain.toLowerCase().match(asciiRun) : fold(plain).match(run)) ?? [];
}

function fold(text: string): string {
  // Upper case first, because it also unfolds what lower case keeps apart: ß and ss, ſ and s, ı and i.
  return text
    .replace(letterlikeSymbol, ' $& ')
    .normalize('NFKD')
    .replace(foldedAway, '')
    .toUpperCase()
    .toLowerCase()
    .replace(undecomposedLetter, (letter) => undecomposed.get(letter) ?? letter)
    .normalize('NFKC');
}

/**
 * The words of one run, each at most 64 UTF-16 units long.
 *
 * - Of what is joined, every part; and where a digit is in it, the whole too: `a-1182` is `a`, `1182` and `a1182`.
 * - Of Han, Kana, Hangul, Thai, Lao, Khmer and Myanmar, every pair of neighbours, and every single Han character, so that any
 *   two characters of a text find it without a dictionary. Pairs do as well as segmented words for Chinese: Nie, Gao, Zhang,
 *   Zhou, 'On the use of words and n-grams for Chinese information retrieval', IRAL 2000.
 */
export function wordsOf(run: string): string[] {
  const parts = run.split(joiner);
  const whole = parts.length > 1 ? parts.join('') : '';
  const words = parts.flatMap((part) => (spaceless.test(part) ? splitSpaceless(part) : [cut(part)]));
  if (digit.test(whole) && whole.length <= longestWord) words.push(whole);
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
  if (word.length <= longestWord) return word;
  // Not between the halves of a surrogate pair.
  const end = (word.codePointAt(longestWord - 1) ?? 0) > 0xffff ? longestWord - 1 : longestWord;
  return word.slice(0, end);
}
