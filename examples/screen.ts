import type { Writable } from 'node:stream';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'cyan' | 'yellow';

// Select Graphic Rendition of ECMA-48, 8.3.117: what switches each style on and off.
const codes: Record<Style, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Where a program prints: never wider than 100 columns, coloured only for a person at a terminal. */
export interface Screen {
  readonly width: number;
  print(line?: string): void;
  style(style: Style, text: string): string;
}

/** A screen on a stream. No colours when the stream is no terminal, or when NO_COLOR is set (https://no-color.org). */
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

/** On one line, without what could steer the terminal. */
export function printable(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (char) => (char === '\u200D' ? char : ''))
    .trim();
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide = /\p{Emoji_Presentation}|\p{sc=Han}|\p{sc=Hiragana}|\p{sc=Katakana}|\p{sc=Hangul}|[\uFF01-\uFF60]/u;

/** How many columns of a terminal a text takes. */
export function columns(text: string): number {
  let count = 0;
  for (const { segment } of graphemes.segment(text)) count += wide.test(segment) ? 2 : 1;
  return count;
}

/** At most so many columns, the last one an ellipsis where something was cut. */
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

/** Lines of at most so many columns, broken between words, and inside a word that is longer than a line. */
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

/** Padded at the right to so many columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

/** A title, underlined. */
export function heading(screen: Screen, title: string): void {
  screen.print();
  screen.print(screen.style('bold', title));
  screen.print('─'.repeat(title.length));
}
