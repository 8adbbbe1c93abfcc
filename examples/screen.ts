import type { Writable } from 'node:stream';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'cyan' | 'yellow';

// The codes that switch each style on and off: Select Graphic Rendition, ECMA-48, 8.3.117.
const codes: Record<Style, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Where an example prints: at most 100 columns, with colours only on a terminal. */
export interface Screen {
  readonly width: number;
  print(line?: string): void;
  style(style: Style, text: string): string;
}

/** A screen that writes to a stream. Without colours if the stream is not a terminal or NO_COLOR is set (https://no-color.org). */
export function screenOn(
  stream: Writable & { isTTY?: boolean; columns?: number },
  env: NodeJS.ProcessEnv = process.env,
): Screen {
  const coloured = stream.isTTY === true && !env.NO_COLOR;
  return {
    width: Math.min(100, Math.max(72, stream.columns ?? 100)),
    print: (line = '') => void stream.write(`${line.trimEnd()}\n`),
    style: (style, text) => (coloured ? `\u001B[${codes[style][0]}m${text}\u001B[${codes[style][1]}m` : text),
  };
}

/** The text on one line, without characters that could control the terminal. */
export function printable(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (char) => (char === '\u200D' ? char : ''))
    .trim();
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide = /\p{Emoji_Presentation}|\p{sc=Han}|\p{sc=Hiragana}|\p{sc=Katakana}|\p{sc=Hangul}|[\uFF01-\uFF60]/u;

/** The width of a text in terminal columns. */
export function columns(text: string): number {
  let count = 0;
  for (const { segment } of graphemes.segment(text)) count += wide.test(segment) ? 2 : 1;
  return count;
}

/** Cuts a text to a width. The last column of a cut text is an ellipsis. */
export function cut(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let kept = '';
  let taken = 0;
  for (const { segment } of graphemes.segment(text)) {
    taken += columns(segment);
    if (taken > width - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** Breaks a text into lines of at most `width` columns: between words, and inside a word that is longer than a line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((word) => pieces(word, width))) {
    if (line !== '' && columns(line) + 1 + columns(word) > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function pieces(word: string, width: number): string[] {
  if (columns(word) <= width) return [word];
  const all: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (columns(piece) + columns(segment) > width) {
      all.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...all, piece];
}

/** Fills a text with spaces at its end, to a width. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

/** Prints an underlined title. */
export function heading(screen: Screen, title: string): void {
  screen.print();
  screen.print(screen.style('bold', title));
  screen.print('─'.repeat(title.length));
}
