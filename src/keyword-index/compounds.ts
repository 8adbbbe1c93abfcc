import { spaceless } from './letters';

/**
 * Runs: words that are joined without spaces, such as names in programs, ids, numbers, e-mail addresses, URLs and paths. Each run gives
 * its parts and, if that may be how somebody writes it, its parts in one word: `PromoBanner` gives `promo`, `banner` and `promobanner`,
 * and so do `promo_banner` and `promo-banner`.
 */

const word = String.raw`[\p{L}\p{N}\p{M}]`;
const joiners = [
  // Parts of names, ids, numbers, addresses and paths.
  String.raw`[-_\u2010./\\@]`,
  // Thousands: 10,000.
  `(?<=[0-9]),(?=[0-9]{3}(?!${word}))`,
  // Names such as O'Brien, but not the forms of words: Anna's, don't.
  `(?<=(?<!${word})${word}{1,2})'(?=${word}{3})`,
];

/** Matches the runs of a text, and each emoji. */
export const run = new RegExp(
  String.raw`${word}+(?:(?:${joiners.join('|')})${word}+)*|\p{Extended_Pictographic}|\p{RI}{2}`,
  'gu',
);

const thousands = /(?<=[0-9]),(?=[0-9])/g;
// An address or a path has pieces, and a piece may have parts.
const pieceJoiner = /[/\\@]/;
const partJoiner = /[-_\u2010.']/;
const version = /^v?[0-9]+(?:\.[0-9]+)+$/i;
const groupedNumber = /^[0-9]{1,3}(?:\.[0-9]{3})+$/;
const points = /\./g;
// Between a small and a capital letter, and before the last capital letter of an abbreviation: promo|Banner, HTTP|Server, phone15|Pro.
const camelBoundary = /(?<=\p{Ll})(?=\p{Lu})|(?<=[\p{Lu}\p{N}])(?=\p{Lu}\p{Ll}{2})/u;
const innerCapital = /[\p{L}\p{N}]\p{Lu}/u;
// Keys in base 64 are no names.
const maxCamelLength = 64;
const maxCamelParts = 6;
/** The longest run of several pieces that is also kept as a whole, in UTF-16 units. */
const maxWholeLength = 64;

/** Splits a run into its parts and wholes, in the case of the text. The parts of a piece precede its whole. */
export function splitRun(text: string): string[] {
  const pieces = text.replace(thousands, '').split(pieceJoiner);
  const found: string[] = [];
  for (const piece of pieces)
    for (const [i, each] of piece.split(spaceless).entries()) {
      if (i % 2 === 0) pushPiece(each, found);
      else found.push(each);
    }
  // Two pieces are usually a choice: and/or.
  if ((pieces.length > 2 || text.includes('@')) && text.length <= maxWholeLength)
    found.push(pieces.join('').split(partJoiner).join(''));
  return found;
}

function pushPiece(piece: string, found: string[]): void {
  const parts = piece
    .split(partJoiner)
    .flatMap(camelParts)
    .filter((part) => part !== '');
  for (const part of parts) found.push(part);
  if (parts.length < 2 || piece.length > maxWholeLength) return;
  // The points of a version stay: 1.2.3 is not 123.
  if (version.test(piece)) {
    found.push(piece.replace(/^v/i, ''));
    if (groupedNumber.test(piece)) found.push(piece.replace(points, ''));
  } else found.push(parts.join(''));
}

function camelParts(part: string): string[] {
  if (part.length > maxCamelLength || !innerCapital.test(part)) return [part];
  const parts = part.split(camelBoundary);
  return parts.length > maxCamelParts ? [part] : parts;
}
