/** A text as a model would read it after it has undone a disguise. */
export interface Reading {
  readonly text: string;
  /** The disguise, as a verdict names it. Absent for the text itself. */
  readonly disguise?: string;
}

/** A text that is decoded has at most this many characters: an instruction is short. */
const maxDecoded = 4000;
/** Decoded text counts as text if at least this share of it are letters and spaces. */
const minLetters = 0.8;

const invisible = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]/gu;
const spaced = /(?<![\p{L}\p{N}])(?:[\p{L}\p{N}][ ._*-]){5,1000}[\p{L}\p{N}](?![\p{L}\p{N}])/gu;
// Quantifiers have an upper limit: a run of megabytes would exceed the stack of the regular expression.
const base64 = /[A-Za-z0-9+/]{24,4096}={0,2}/g;
const hexadecimal = /(?<![0-9a-f])(?:[0-9a-f]{2}[ :]?){16,2048}/gi;
const entity = /&(?:#(\d+)|#x([0-9a-f]+)|(lt|gt|amp|quot|apos|nbsp));/gi;
const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' };

// Letters of other scripts that look like Latin ones. Source: Unicode TR 39, confusables.txt, the Cyrillic and Greek lower-case letters.
const lookalikes = new Map(
  Object.entries({
    а: 'a',
    е: 'e',
    о: 'o',
    р: 'p',
    с: 'c',
    у: 'y',
    х: 'x',
    і: 'i',
    ј: 'j',
    ѕ: 's',
    ԁ: 'd',
    ԛ: 'q',
    ԝ: 'w',
    һ: 'h',
    ո: 'n',
    ᴠ: 'v',
    А: 'A',
    В: 'B',
    Е: 'E',
    К: 'K',
    М: 'M',
    Н: 'H',
    О: 'O',
    Р: 'P',
    С: 'C',
    Т: 'T',
    Х: 'X',
    І: 'I',
    Ѕ: 'S',
    α: 'a',
    ο: 'o',
    ν: 'v',
    ρ: 'p',
    ι: 'i',
    κ: 'k',
    τ: 't',
    υ: 'u',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Υ: 'Y',
    Χ: 'X',
  }),
);
const digits = new Map(
  Object.entries({ '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's' }),
);

/** The text itself, and what it says where a disguise is undone. Usually the text alone. */
export function readingsOf(text: string): Reading[] {
  const visible = text.replaceAll(invisible, '');
  const readings: Reading[] = [{ text: visible }];
  const add = (disguise: string, other: string) => {
    if (other !== visible && other.trim() !== '') readings.push({ text: other.slice(0, maxDecoded), disguise });
  };
  if (visible.length < text.length) add('invisible characters', tagCharacters(text));
  if (mixedWord.test(visible)) add('letters of another script', visible.replaceAll(mixedWords, latin));
  if (visible.search(spaced) >= 0) add('spaced letters', withoutSpacing(visible));
  if (leetWord.test(visible)) add('digits for letters', visible.replaceAll(leetWords, letters));
  if (visible.includes('&')) add('character references', visible.replaceAll(entity, referenced));
  if (visible.includes('<')) add('markup', withoutMarkup(visible));
  if (visible.includes('%')) add('percent encoding', percentDecoded(visible));
  for (const [run] of visible.matchAll(base64)) add('base64', textOf(Buffer.from(run, 'base64')));
  for (const [run] of visible.matchAll(hexadecimal))
    add('hexadecimal', textOf(Buffer.from(run.replaceAll(/[ :]/g, ''), 'hex')));
  return readings;
}

const mixedWord = /[a-z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][a-z]/i;
const mixedWords = /[\p{L}]*(?:[a-z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][a-z])[\p{L}]*/giu;
const leetWord = /[a-z][013457@$][a-z]/i;
const leetWords = /[a-z0-9@$]*[a-z][a-z0-9@$]*/gi;

function latin(word: string): string {
  return [...word].map((letter) => lookalikes.get(letter) ?? letter).join('');
}

function letters(word: string): string {
  return /[013457@$]/.test(word) ? [...word].map((letter) => digits.get(letter) ?? letter).join('') : word;
}

/** Two spaces or more between spaced letters end a word. */
function withoutSpacing(text: string): string {
  return text
    .replaceAll(/ {2,}/g, '\n')
    .replaceAll(spaced, (run) => run.replaceAll(/[ ._*-]/g, ''))
    .replaceAll('\n', ' ');
}

function referenced(all: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return named[name.toLowerCase()] ?? all;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
}

/** Comments and the texts of attributes are what a person does not see. */
function withoutMarkup(text: string): string {
  return text
    .replaceAll(/<!--|-->/g, '\n')
    .replaceAll(/<[^<>]*?(?:alt|title|content|aria-label)="([^"<>]*)"[^<>]*>/gi, '\n$1\n')
    .replaceAll(/<[^<>]{0,200}>/g, ' ');
}

function percentDecoded(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

/** Unicode tag characters repeat ASCII invisibly. */
function tagCharacters(text: string): string {
  return text
    .replaceAll(/[\u{e0020}-\u{e007e}]/gu, (tag) => String.fromCodePoint((tag.codePointAt(0) ?? 0) - 0xe0000))
    .replaceAll(invisible, '');
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const count = text.match(/[\p{L} ]/gu)?.length ?? 0;
  return text.length >= 8 && !text.includes('\ufffd') && count / text.length >= minLetters ? text : '';
}
