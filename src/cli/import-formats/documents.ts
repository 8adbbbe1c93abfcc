import { type JsonLine, jsonLines } from '../lines';
import { isFields } from './format';

/**
 * Reads what other programs write: one JSON document that is a list, or an object that holds one under one of these names, or JSON
 * Lines. Items are numbered from 1.
 */
export async function* listDocument(
  pieces: AsyncIterable<Uint8Array | string>,
  names: readonly string[],
): AsyncGenerator<JsonLine> {
  const chunks: Buffer[] = [];
  for await (const piece of pieces) chunks.push(typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece));
  const text = Buffer.concat(chunks).toString('utf8');
  const items = listIn(text, names);
  if (items === undefined) yield* jsonLines(once(text));
  else for (const [i, value] of items.entries()) yield { number: i + 1, value };
}

function listIn(text: string, names: readonly string[]): readonly unknown[] | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (Array.isArray(document)) return document;
    if (!isFields(document)) return [document];
    const list = names.map((name) => document[name]).find((value) => Array.isArray(value));
    return (list as unknown[] | undefined) ?? [document];
  } catch {
    // Lines, or nothing that makes sense: whoever reads the lines says which.
    return undefined;
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
