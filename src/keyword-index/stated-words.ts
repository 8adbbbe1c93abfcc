import { analyzeAsUnknown } from './analyzer';

const number = /\p{N}+(?:[.,:]\p{N}+)*/gu;

/** The numbers of a text, without separators of thousands and leading zeros. */
export function numbersIn(text: string): readonly string[] {
  return (text.normalize('NFKC').match(number) ?? []).flatMap((each) =>
    each
      .replace(/[.,](?=\d{3}(?:\D|$))/g, '')
      .split(':')
      .map((part) => part.replace(/^0+(?=\d)/, '').replace(',', '.')),
  );
}

const name = /(?<=[\p{L}\p{N},;:)"'’]\s+["'(]?)\p{Lu}[\p{L}\p{M}]+/gu;
const calendar: ReadonlySet<string> = new Set(
  analyzeAsUnknown(`January February March April May June July August September October November December
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday`),
);

/** The words with a capital letter that do not begin a sentence, without months and days, which stand for a date. */
export function namesIn(text: string): readonly string[] {
  return capitalizedIn(text).filter((word) => !calendar.has(word));
}

/** Like `namesIn`, with months and days. */
export function capitalizedIn(text: string): readonly string[] {
  return [...new Set(analyzeAsUnknown((text.match(name) ?? []).join(' ')))];
}

const negation =
  /(?<![\p{L}\p{M}])(?:not|no|never|none|nothing|nobody|neither|nor|without|cannot|nicht|nichts|kein(?:e|en|em|er|es)?|nie|niemals|ohne|ne|pas|jamais|aucune?|sans|nunca|sin|ning[uú]na?|tampoco)(?![\p{L}\p{M}])|n['’]t(?![\p{L}\p{M}])|[不没沒無无未]/giu;

/** How many words of a text negate something, in English, German, French, Spanish and Chinese. */
export function negationsIn(text: string): number {
  return negationWordsIn(text).length;
}

/** The words of a text that negate something, as they stand there. */
export function negationWordsIn(text: string): readonly string[] {
  return text.match(negation) ?? [];
}
