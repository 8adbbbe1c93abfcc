import { hiddenCharacters } from './visible-text';

/**
 * Converts a name to its normal form, Unicode's NFC. For example, "é" can be one character, or "e" and an accent. Different letters that
 * look similar stay different, such as a Latin and a Cyrillic "a". The parsing of input calls this for every name (see `name` in
 * `parse/shapes.ts`), so all other code compares names as they are.
 *
 * Unicode guarantees that the normal form of a text never changes, if all its characters exist in the version of Unicode that Node uses.
 * A character from a later version may get another form with a later Node. `ensureNormalNames` therefore checks the stored names again
 * after each change of the Unicode version.
 */
export function normalName(name: string): string {
  return name.normalize('NFC');
}

// Names are usually printable ASCII. This test avoids the slower ones.
const plainPattern = /^[\x20-\x7e]*$/;
// In memory texts tabs and line feeds are usual. In a name they are as invisible as the other characters.
const hiddenPattern = new RegExp(`[\\t\\n${hiddenCharacters}]`, 'gu');
const maxListedCharacters = 5;

/** Whether a name has printable ASCII only: it is then in normal form, and nothing of it is hidden. */
export function isPlainName(name: string): boolean {
  return plainPattern.test(name);
}

/** Describes the hidden characters of a name: control characters, and characters that reorder text or are invisible. */
export function hiddenIssue(name: string): string | undefined {
  if (isPlainName(name)) return undefined;
  const found = [...new Set(name.match(hiddenPattern))].map(codePointName);
  if (found.length === 0) return undefined;
  const listed = found.slice(0, maxListedCharacters).join(', ');
  const rest = found.length > maxListedCharacters ? ` and ${found.length - maxListedCharacters} others` : '';
  return `expected a name without control characters, bidirectional controls and other hidden characters, got ${listed}${rest}.`;
}

function codePointName(char: string): string {
  return `U+${(char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
}
