import { simplifiedForms } from './han-forms';

/** Matches ASCII texts, which need no normalisation. */
const ascii = /^[\0-\x7f]*$/;

// Punctuation that is common in English typed on a phone or in an office program. After it is replaced, most such texts are ASCII,
// which is faster.
const typographicApostrophe = /[\u2018\u2019]/g;
const typographicPunctuation = /[\u00a0\u2013\u2014\u201c\u201d\u2022\u2026]/g;
// In French and in Swiss German, a thin space stands between the thousands: 10 000.
const spacedThousands = /(?<=\p{Nd})[\u00a0\u2009\u202f](?=\p{Nd}{3}(?!\p{Nd}))/gu;
// Symbols such as № get spaces around them. Without the spaces, NFKC would join them with their neighbours: №4417 would be one word.
const letterlikeSymbol = /(?!\p{RI})\p{So}/gu;
const softHyphen = /\u00ad/g;
const otherDigit = /(?![0-9])\p{Nd}/gu;
const otherDigits = /^(?![0-9])\p{Nd}$/u;
const arabicSeparator = /[\u066b\u066c]/g;

// Marks that several scripts share are accents, points and variation selectors, which are removed. Marks that belong to one script,
// such as vowel signs, are part of its words. The voicing marks of kana are shared but kept, because they change the sound. Tatweel is
// removed, because it only changes the appearance.
const removedMark = /(?![\u3099\u309a])(?=\p{M})\p{Script=Inherited}|[\u0591-\u05c7\u0640]/gu;
// Letters that the normalisation of Unicode does not change: other forms of Latin and Greek letters, and the forms of Arabic letters in
// other languages and at the ends of words, which are often typed for each other.
const foldedLetters: ReadonlyMap<string, string> = new Map([
  ['ς', 'σ'],
  ['ø', 'o'],
  ['ł', 'l'],
  ['đ', 'd'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ٱ', 'ا'],
  ['ة', 'ه'],
  ['ى', 'ي'],
  ['ی', 'ي'],
  ['ک', 'ك'],
  ['ہ', 'ه'],
  ['ھ', 'ه'],
]);
const foldedLetter = /[ςøłđæœٱةىیکہھ]/g;
const katakana = /[\u30a1-\u30f6]/g;
const fromKatakana = 0x60;
const hanCharacter = /\p{Script=Han}/gu;

/** Matches text in scripts without spaces between words, and in Korean, in which a particle follows its noun without a space. */
export const spaceless =
  /([\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]+)/u;

/** Replaces typographic punctuation by that of ASCII, and removes spaces between thousands. */
export function withPlainPunctuation(text: string): string {
  return text.replace(spacedThousands, '').replace(typographicApostrophe, "'").replace(typographicPunctuation, ' ');
}

/** Unifies compatible forms of characters (NFKC) and the digits of all scripts. Case and accents stay. */
export function normalize(text: string): string {
  return text
    .replace(letterlikeSymbol, ' $& ')
    .normalize('NFKC')
    .replace(softHyphen, '')
    .replace(otherDigit, asciiDigit)
    .replace(arabicSeparator, (separator) => (separator === '\u066b' ? '.' : ','));
}

/**
 * Removes differences of a word that a search should not see: case, accents, hiragana and katakana, traditional and simplified Han, and
 * forms of letters. Expects a text that `normalize` returned.
 */
export function fold(word: string): string {
  if (ascii.test(word)) return word.toLowerCase();
  // Converts to upper case first, which unifies letters that differ in lower case: ß and ss, ſ and s, ı and i.
  return word
    .normalize('NFKD')
    .replace(removedMark, '')
    .toUpperCase()
    .toLowerCase()
    .replace(foldedLetter, (letter) => foldedLetters.get(letter) ?? letter)
    .normalize('NFKC')
    .replace(katakana, (kana) => String.fromCharCode(kana.charCodeAt(0) - fromKatakana))
    .replace(hanCharacter, (character) => simplifiedForms.get(character) ?? character);
}

// The ten digits of a script follow each other, and no other digits stand directly before them.
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (otherDigits.test(String.fromCodePoint(zero - 1))) zero--;
  return String((code - zero) % 10);
}
