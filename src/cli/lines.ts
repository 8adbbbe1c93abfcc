import { StringDecoder } from 'node:string_decoder';

/** A line of JSON Lines: its value, or why it has none. Numbered from 1. */
export type JsonLine = { readonly number: number } & ({ readonly value: unknown } | { readonly problem: string });

/** Reads JSON Lines from pieces of any size. Empty lines are passed over; a last line without its end counts. */
export async function* jsonLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<JsonLine> {
  let number = 0;
  for await (const text of linesOf(pieces)) {
    number++;
    if (text.trim() === '') continue;
    yield { number, ...parsed(text) };
  }
}

function parsed(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `is no JSON: ${(error as Error).message}` };
  }
}

async function* linesOf(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const piece of pieces) {
    rest += typeof piece === 'string' ? piece : decoder.write(Buffer.from(piece));
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
