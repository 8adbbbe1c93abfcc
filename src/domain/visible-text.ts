/**
 * Characters that change how a text looks without being seen: control characters (ESC starts a command of a terminal), line separators
 * that not every program takes for one, marks that reorder a line, and tag characters, which models read and people do not see. Joiners
 * stay, because emoji and several scripts need them.
 */
export const hiddenCharacters =
  '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\u{e0000}-\\u{e007f}';
const hiddenPattern = new RegExp(`[${hiddenCharacters}]`, 'gu');

/** The text with each hidden character as \u{...}. Tabs and line feeds stay. */
export function withVisibleCharacters(text: string): string {
  return text.replace(hiddenPattern, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`);
}

/** The same for a line that is or contains JSON, in which \uXXXX means the character itself. */
export function withJsonEscapes(line: string): string {
  return line.replace(hiddenPattern, (char) =>
    Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
