/** A line of JSON Lines, numbered from 1: its value, the problem that it has, or what it is if it holds no memory. */
export type JsonLine = { readonly number: number } & LineContent;

export type LineContent =
  | { readonly value: unknown }
  | { readonly problem: string }
  /** What the line is, in the plural: 'system messages'. */
  | { readonly skipped: string };

// A text of 1 MB takes up to 6 MB as JSON (each character as \uXXXX). Metadata may need more.
const maxLineBytes = 32 * 2 ** 20;
const newline = 0x0a;

/** Reads JSON Lines from pieces of any size. Blank lines are skipped. The last line needs no newline. */
export async function* jsonLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<JsonLine> {
  let number = 0;
  for await (const bytes of splitLines(pieces)) {
    number++;
    if (bytes === undefined) yield { number, problem: `too long: the limit is ${maxLineBytes / 2 ** 20} MiB.` };
    else if (!isBlank(bytes)) yield { number, ...parseLine(bytes) };
  }
}

/** Decodes UTF-8 and removes a byte order mark. Returns undefined for invalid UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseLine(bytes: Uint8Array): { value: unknown } | { problem: string } {
  const text = decodeUtf8(bytes);
  if (text === undefined) return { problem: 'invalid UTF-8.' };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `invalid JSON: ${(error as Error).message}` };
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** Splits the input into lines. Yields undefined for each line that is too long. Keeps only one line and one piece in memory. */
async function* splitLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array | undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const append = (part: Uint8Array) => {
    length += part.length;
    if (length > maxLineBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const endLine = () => {
    const line = length > maxLineBytes ? undefined : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece as Uint8Array);
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      append(bytes.subarray(start, end));
      yield endLine();
      start = end + 1;
    }
    append(bytes.subarray(start));
  }
  if (length > 0) yield endLine();
}
