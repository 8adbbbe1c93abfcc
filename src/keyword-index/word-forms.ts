import { stemmer } from 'stemmer';
import type { Language } from './languages/function-words';
import { languagesOfWord, type TextLanguages } from './languages/language';
import { stemmers } from './languages/stemmers';
import { fold } from './letters';

const latinWord = /^[a-z]+$/;
const umlaut = /[\u00e4\u00f6\u00fc]/i;
const umlauts = /[\u00e4\u00f6\u00fc]/gi;
const letters = /^[\p{L}\p{M}]+$/u;

/** Languages that write compounds as one word. */
const compounding: ReadonlySet<Language> = new Set(['de', 'nl', 'sv', 'da', 'no', 'fi']);
const beginningLength = 5;
const endLength = 4;
/** Stands for the rest of a word in a token of a net: no other token has it. */
const rest = '\u2026';

/**
 * Returns the tokens of a word: its English stem, which is also that of a word whose language is unknown; its stem in the language of
 * its text; and a net of its beginning and, in languages with compounds, of its end, which holds together forms that a stemmer does not know.
 *
 * @param part The word as it is written.
 * @param word The same, folded.
 */
export function wordForms(part: string, word: string, text: TextLanguages): string[] {
  const forms = [stemOfEnglish(word)];
  if (umlaut.test(part)) pushNew(forms, stemOfEnglish(fold(part.replace(umlauts, '$&e'))));
  if (!letters.test(part)) return forms;
  for (const language of languagesOfWord(part, text)) {
    const stem = fold(stemmers[language](lowerCase(part, language)));
    if (stem === '') continue;
    pushNew(forms, stem);
    const characters = [...stem];
    if (characters.length >= beginningLength) pushNew(forms, characters.slice(0, beginningLength).join('') + rest);
    if (compounding.has(language) && characters.length >= endLength)
      pushNew(forms, rest + characters.slice(-endLength).join(''));
  }
  return forms;
}

/** Returns the stem of an English word in lower case, and every word in other letters than ASCII as it is. */
export function stemOfEnglish(word: string): string {
  return latinWord.test(word) ? stemmer(word) : word;
}

/** Whether a token is only the beginning or the end of a word. */
export function isNet(token: string): boolean {
  return token.startsWith(rest) || token.endsWith(rest);
}

function lowerCase(word: string, language: Language): string {
  return (language === 'tr' ? word.replaceAll('I', 'ı').replaceAll('İ', 'i') : word).toLowerCase();
}

function pushNew(forms: string[], form: string): void {
  if (!forms.includes(form)) forms.push(form);
}
