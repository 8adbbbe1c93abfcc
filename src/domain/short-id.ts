// The form of a UUID (RFC 9562): hexadecimal digits, with hyphens at these places.
const uuidLength = 36;
const hyphens: ReadonlySet<number> = new Set([8, 13, 18, 23]);

/** The minimum number of characters of a short id, as in a listing of git. */
const minShortLength = 8;

/**
 * Returns whether a text may be the start of an id that a store makes: 8 to 35 characters of a UUID. Ids of another form have no short
 * ids: there `note-0001` may be a whole id that is gone, and must not find `note-00010`.
 */
export function isShortId(text: string): boolean {
  return text.length >= minShortLength && text.length < uuidLength && isStartOfUuid(text);
}

/** Returns whether a short id can stand for an id. */
export function standsFor(shortId: string, id: string): boolean {
  return id.length === uuidLength && id.startsWith(shortId) && isStartOfUuid(id);
}

function isStartOfUuid(text: string): boolean {
  return [...text].every((character, i) => (hyphens.has(i) ? character === '-' : /[0-9a-f]/.test(character)));
}
