/** A line of JSON Lines: its value, or why it has none. Numbered from 1. */
export type JsonLine = { readonly number: number } & ({ readonly value: unknown } | { readonly problem: string });

/** Bytes of the longest line: a memory of 1 MB may take six times as many as JSON, and metadata more. */
const longest = 32 * 2 ** 20;
const newline = 0x0a;

/** Reads JSON Lines from pieces of any size. Empty lines are passed over; a last line without its end counts. */
export async function* jsonLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<JsonLine> {
  let number = 0;
  for await (const bytes of linesOf(pieces)) {
    number++;
    if (bytes === undefined) yield { number, problem: `is longer than ${longest / 2 ** 20} MiB.` };
    else if (!isBlank(bytes)) yield { number, ...parsed(bytes) };
  }
}

/** A text of UTF-8, without its byte order mark; undefined where it is none. */
export function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parsed(bytes: Uint8Array): { value: unknown } | { problem: string } {
  const text = decoded(bytes);
  if (text === undefined) return { problem: 'is no UTF-8.' };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `is no JSON: ${(error as Error).message}` };
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** The lines, and undefined for each that is too long. Holds one line and one piece at a time. */
async function* linesOf(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array | undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array) => {
    length += part.length;
    if (length > longest) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const taken = () => {
    const line = length > longest ? undefined : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece as Uint8Array);
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      add(bytes.subarray(start, end));
      yield taken();
      start = end + 1;
    }
    add(bytes.subarray(start));
  }
  if (length > 0) yield taken();
}
